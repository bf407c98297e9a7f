use crate::common::check;

#[test]
fn italian_sentences_end_at_their_marks() {
    check(&[
        "Ciao. |Come stai? |Bene!",
        "«Ferma!» |Lei uscì. |«Perché?» chiese lui.",
        "“Basta.” |Niente. |È tardi.",
        "Costa 3,50 euro. |Misura 1.000,5 metri.",
        "Alle 10.30 si parte. |Alle 11.45 si arriva.",
        "Cosa?! |Niente... |Davvero.",
    ]);
}

#[test]
fn italian_abbreviations_do_not_end_a_sentence() {
    check(&[
        "Il Sig. Rossi e la Sig.ra Bianchi arrivano. |Parlano.",
        "Il Dott. Verdi, la Dott.ssa Neri e l'Avv. Gallo. |Bene.",
        "Frutta, p. es. Mele, o ad es. Pere. |Bene.",
        "Mele, pere, ecc. sono frutta. |Noci, ecc. |Tutto.",
        "Vedi pag. 5, art. 3 e cap. II. |Poi il sec. XX. |Dopo la fine.",
        "La Fiat S.p.A. è grande. |Lavoro alla Fiat S.p.A. |Lui no.",
        "Il 5 gen. 2020 e il 3 dic. 2021. |Fine.",
        "L'Ing. Costa e l'On. Greco votano. |Votano sì.",
    ]);
}
