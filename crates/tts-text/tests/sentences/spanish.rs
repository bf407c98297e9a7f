use crate::common::check;

#[test]
fn spanish_sentences_end_at_their_marks() {
    check(&[
        "Hola. |¿Cómo estás? |¡Muy bien!",
        "¿Qué? |¡No! |¿Por qué no? |Porque sí.",
        "—Hola. |—¿Qué tal? |Bien.",
        "«Basta.» |Se fue. |“Adiós.” |Nada.",
        "Cuesta 3,50 euros. |Mide 1.000,5 metros.",
        "Vamos al mar. |Luego volvemos.",
        "¡Alto! gritó. |¿Quién? dijo.",
    ]);
}

#[test]
fn spanish_abbreviations_do_not_end_a_sentence() {
    check(&[
        "El Sr. López y la Sra. Pérez llegaron. |Hablaron.",
        "La Dra. Ruiz y la Srta. Gil, el Lic. Mora. |Bien.",
        "Frutas, p. ej. Manzanas. |Bien.",
        "EE. UU. es grande. |Está en EE. UU. |Los demás no.",
        "Manzanas, peras, etc. son frutas. |Nueces, etc. |Todo.",
        "Véase la pág. 5, el art. 3 y el cap. 2. |Fin.",
        "Nació en el 44 a. C. en Roma. |Murió a las 5 p. m. |Después llovió.",
        "El 5 ene. 2020 y el 3 dic. 2021. |Fin.",
    ]);
}
