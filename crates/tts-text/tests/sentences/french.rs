use crate::common::check;

#[test]
fn french_sentences_end_at_their_marks() {
    check(&[
        "Bonjour. |Comment allez-vous ? |Très bien !",
        "« Stop ! » |Elle partit. |« Quoi ? » |Rien.",
        "«\u{a0}Stop\u{a0}!\u{a0}» |Elle partit.",
        "« Stop ! » cria-t-il. |« Pourquoi ? » dit-elle.",
        "Il a payé 3,50 euros. |Puis 1 000,5 euros.",
        "Et alors… |Rien. |Et alors… rien.",
        "Il est né en 1999. |Sa sœur aussi.",
    ]);
}

#[test]
fn french_abbreviations_do_not_end_a_sentence() {
    check(&[
        "M. Dupont et Mme. Durand sont là. |Ils parlent.",
        "MM. Petit et Grand, Mlle. Martin et Mgr. Bon arrivent.",
        "Prenez un fruit, p. ex. Une pomme ou par ex. Des poires. |Bien.",
        "Des pommes, des poires, etc. sont là. |Des noix, etc. |Tout.",
        "L’art. 5 et le chap. 3, p. 12, vol. 2. |Voilà.",
        "J.-C. Martin est venu. |Il est mort en 44 av. J.-C. à Rome.",
        "Le 5 janv. 2020 et le 3 févr. 2021. |Fini.",
        "Voir www.exemple.fr. |Ou écrire à a.b@exemple.fr. |Merci.",
    ]);
}
