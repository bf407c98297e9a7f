use crate::common::check;

#[test]
fn german_sentences_end_at_their_marks() {
    check(&[
        "Guten Tag. |Wie geht es Ihnen? |Gut!",
        "„Halt!“ |„Wer da?“ |„Ich.“",
        "„Halt!“, rief er. |„Wer da?“ fragte sie.",
        "»Komm.« |»Nein.« |Er ging.",
        "Er kam 1999. |Dann ging er.",
        "Das kostet 1.000,50 Euro. |Um 10.30 Uhr ist Schluss.",
    ]);
}

#[test]
fn german_abbreviations_do_not_end_a_sentence() {
    check(&[
        "Nimm Obst, z. B. Äpfel, oder z.B. Birnen. |Gut.",
        "Das ist, d. h. Es war, u. a. Herrn Dr. Müller bekannt. |Ja.",
        "Hr. Schmidt bzw. Fr. Schmidt wohnt in der Hauptstr. 5. |Dort.",
        "Siehe Nr. 7, Abs. 3 und S. 12. |Fertig.",
        "Prof. Dr. med. Meier und Dipl. Ing. Kurz kamen. |Sie gingen.",
        "Äpfel, Birnen usw. gibt es hier. |Äpfel usw. |Birnen auch.",
        "Im Jahr 44 v. Chr. starb Caesar. |Das war i. d. R. so.",
        "Es waren ca. 5 Mio. Menschen. |Es waren 5 Mio. |Das ist viel.",
        "Ich mag. |Du magst.",
    ]);
}

#[test]
fn german_ordinals_do_not_end_a_sentence() {
    check(&[
        "Wir sehen uns am 3. Mai. |Bis dann.",
        "Im 19. Jahrhundert war alles anders. |Der 2. Weltkrieg kam später.",
        "Er wurde am 12. Sieger. |Wir kommen am 3. |Die anderen auch.",
        "Am 3. 4. 2020 war das. |Vom 1. bis 5. Mai ist zu.",
        "Die 1. Mannschaft gewinnt. |Am 24. Dez. 2020 nicht.",
        "Friedrich II. 1740 und Ludwig XIV. waren Könige. |Er hat 12. |Sie hat 13.",
    ]);
}
