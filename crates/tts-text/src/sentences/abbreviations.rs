//! Words that tell whether a full stop ends a sentence, of all languages in one:
//! few of them mean something else in another language.
//!
//! Abbreviations stand without their last full stop, phrases without spaces
//! ("z.b" is "z. B." and "z.B."). Small letters match any case; a word with a
//! capital matches as it is, because otherwise it is an ordinary word.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// What the full stop after an abbreviation means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Something always follows it: a name or the rest of the sentence.
    Title,
    /// A number may follow it.
    Label,
    /// A month or a day of the week.
    Date,
    /// Ends a sentence now and then.
    Unit,
    /// Often ends a sentence.
    Closing,
}

const CLASSES: [(Class, &str); 5] = [
    (
        Class::Title,
        "mr mrs Ms Mx messrs dr drs dra prof profa Rev Gen Col Maj capt cmdr lt sgt Adm Gov Sen \
         Rep Pres Hon supt insp vs e.g i.e cf viz approx \
         Hr Hrn Fr frl Dipl Ing Mag med rer nat phil jur vgl bzw sog ggf evtl inkl exkl insb bspw \
         zzgl abzgl ca z.b d.h u.a v.a s.o s.u i.d.r z.t m.e u.u \
         mme mmes mlle mlles MM mgr ste p.ex par.ex por.ex \
         sig sigg dott avv Arch geom On egr spett ad.es p.es \
         srta srtas sres gral lic excmo dña ej p.ej aprox ee sras exmo exma Eng \
         проф акад доц ул пл просп пер корп наб обл напр св т.е т.к т.н",
    ),
    (
        Class::Label,
        "No Nos nr nro num núm art fig figs pp pg pag pág págs pagg vol vols ch chap cap caps abs \
         sec abb kap bd tab taf op tel стр рис табл гл кв тел",
    ),
    (
        Class::Date,
        "jan feb febr mar apr jun jul aug sep sept oct okt nov dec dez mär janv févr avr juil déc \
         ene abr ago dic gen mag giu lug set ott fev mon tue tues wed thu thur thurs fri sat sun \
         янв фев февр апр авг сент окт нояб дек",
    ),
    (
        Class::Unit,
        "st Sr sr sra jr esq inc ltd Co corp bros Ave blvd Rd Mt Ft dept assn univ al env av \
         chr std min sek mio mrd jh jhd hbf ud uds uu \
         им тыс млн млрд руб коп см мин сек гг вв",
    ),
    (Class::Closing, "etc ecc usw usf ff т.д т.п др пр"),
];

const STARTERS: &str = "\
    The This That These Those He She It We They There Then But And Or In On At If When While What \
    Who Why How As For From With After Before Its His Her Their Our My Your Not \
    Der Die Das Den Dem Des Eine Er Sie Es Wir Ihr Und Aber Doch Dann Dort Hier Wenn Auch Nach Mit \
    Bei Für Im Am Auf Zu Dies Diese Dieser Dieses Wie Was Wer Wo Nun \
    Un Une Il Elle Ils Elles Nous Vous Ce Cette Ces Mais Et Puis Dans Sur Pour Avec En Au Aux \
    Los Las Una Uno Ella Ellos Ellas Pero Entonces Después Cuando Este Esta Esto Según Para Por Con \
    Su Sus Hoy Os As Um Uma Ele Ela Eles Elas Mas Depois Quando Isso Isto Não Com Em Na Seu Sua Ao \
    Gli Lui Lei Loro Poi Quando Questo Questa Per Non Nel Nella Sono Dopo \
    Он Она Оно Они Это Этот Эта Эти Но Мы Вы Его Её Ее Их Как Так Там Тут Тогда Когда Если Что Кто \
    Где Потом После Затем Не На По За Из При Для До Все Всё";

const MONTHS: &str = "\
    January February March April May June July August September October November December \
    Januar Jänner Februar März Mai Juni Juli Oktober Dezember";

const BEFORE_ORDINALS: &str = "\
    am im vom zum zur beim der die das dem den des ein eine einen einem einer bis seit ab jeder \
    jede jedes sein seine seinen seinem ihr ihre ihren ihrem unser unsere unserem";

const AFTER_ORDINALS: &str = "\
    Jahrhundert Jahrhunderts Jahrtausend Jahrtausends Weltkrieg Weltkriegs Weltkrieges Bundesliga \
    Liga Klasse Stock Etage Platz Auflage Kapitel Absatz Runde Mannschaft Geburtstag Jahrestag \
    Hälfte Halbjahr Quartal Semester Lebensjahr Tag Woche Monat Mal Teil Band Akt Szene Bezirk \
    Staffel Folge";

pub(super) fn class(word: &str) -> Option<Class> {
    static TABLE: LazyLock<HashMap<&str, Class>> = LazyLock::new(|| {
        let all = CLASSES.iter();
        all.flat_map(|&(class, words)| words.split_whitespace().map(move |word| (word, class)))
            .collect()
    });
    let lower = word.to_lowercase();
    let found = TABLE.get(word).or_else(|| TABLE.get(lower.as_str())).copied();
    // "Hauptstr. 5"
    found.or_else(|| lower.ends_with("str").then_some(Class::Label))
}

/// Whether many sentences start with this word, and hardly a name does.
pub(super) fn is_starter(word: &str) -> bool {
    static TABLE: LazyLock<HashSet<&str>> = LazyLock::new(|| words(STARTERS));
    TABLE.contains(word)
}

/// Whether this is a month that may follow a German ordinal.
pub(super) fn is_month(word: &str) -> bool {
    static TABLE: LazyLock<HashSet<&str>> = LazyLock::new(|| words(MONTHS));
    TABLE.contains(word)
}

/// Whether a German ordinal may follow this word.
pub(super) fn precedes_ordinal(word: &str) -> bool {
    static TABLE: LazyLock<HashSet<&str>> = LazyLock::new(|| words(BEFORE_ORDINALS));
    TABLE.contains(word.to_lowercase().as_str())
}

/// Whether this noun likes a German ordinal before it.
pub(super) fn takes_ordinal(word: &str) -> bool {
    static TABLE: LazyLock<HashSet<&str>> = LazyLock::new(|| words(AFTER_ORDINALS));
    TABLE.contains(word)
}

fn words(list: &'static str) -> HashSet<&'static str> {
    list.split_whitespace().collect()
}
