use crate::common::check;

#[test]
fn portuguese_sentences_end_at_their_marks() {
    check(&[
        "Olá. |Como vai? |Muito bem!",
        "“Pare!” |Ela saiu. |“Por quê?” |Nada.",
        "— Olá. |— Tudo bem? |Sim.",
        "— Pare! — gritou ele. |Ela parou.",
        "Custa 3,50 reais. |Mede 1.000,5 metros.",
        "Então... não sei. |Então... |Sei.",
    ]);
}

#[test]
fn portuguese_abbreviations_do_not_end_a_sentence() {
    check(&[
        "O Sr. Silva e a Sra. Souza chegaram. |Falaram.",
        "A Dra. Lima, a Profa. Reis e o Exmo. Juiz. |Bem.",
        "Frutas, p. ex. Maçãs ou por ex. Peras. |Bem.",
        "Maçãs, peras, etc. são frutas. |Nozes, etc. |Tudo.",
        "Veja a pág. 5, o art. 3 e o vol. 2. |Fim.",
        "Em 5 fev. 2020 e em 3 dez. 2021. |Fim.",
        "Moro nos E.U.A. há anos. |Moro nos E.U.A. |Ela não.",
        "Acesse www.exemplo.com.br. |Obrigado.",
    ]);
}
