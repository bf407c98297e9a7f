use crate::common::check;

#[test]
fn plain_sentences_end_at_their_marks() {
    check(&[
        "One sentence only",
        "Hello there. |How are you? |Fine!",
        "Really?! |Yes!!! |Well... |Never mind.",
        "What‽ |He left… |She stayed.",
        "He paid $5. |Then he left.",
        "They came in 1999. |Then they left.",
        "I met her.  |  She smiled.\t|He did not.",
        "Stop! |¡Alto! |Halt!",
    ]);
}

#[test]
fn titles_and_labels_do_not_end_a_sentence() {
    check(&[
        "Dr. Smith and Mrs. Jones met Prof. Brown. |They talked.",
        "Mr. and Ms. Lee came. |Messrs. Black and White did not.",
        "The Rev. King met Gov. Hill, Sen. Moss and Lt. Col. Ray.",
        "See No. 5 and fig. 3 on p. 12 of vol. 2. |No. |I do not.",
        "Smith vs. Jones was decided. |It was close.",
        "Bring fruit, e.g. Granny Smith apples, i.e. Green ones. |Do it.",
        "She lives in St. Louis. |He lives on Main St. |The house is red.",
    ]);
}

#[test]
fn some_abbreviations_may_end_a_sentence() {
    check(&[
        "Apples, pears, etc. are fruit. |Nuts, etc. |They are not.",
        "He works at Acme Inc. and likes it. |She left Acme Inc. |She was tired.",
        "It is 5 p.m. now. |Come at 6 a.m. Monday. |He came at 7 p.m. |Then he ate.",
        "The U.S. Army and the U.S. economy. |He left the U.S. |She stayed.",
        "Martin Luther King Jr. spoke. |We heard Sammy Davis Jr. |He sang.",
        "She has a Ph.D. in physics. |He has no Ph.D. |They are married.",
        "Smith et al. showed it. |It was true.",
        "He made par. |Ex. |Golfers know.",
    ]);
}

#[test]
fn initials_belong_to_names() {
    check(&[
        "J. R. R. Tolkien wrote it. |C. S. Lewis read it.",
        "J.R.R. Tolkien wrote it. |George W. Bush did not.",
        "Take vitamin C. |It helps.",
        "Ursula K. Le Guin wrote this.",
    ]);
}

#[test]
fn numbers_dates_and_names_of_files_are_whole() {
    check(&[
        "Pi is 3.14 or so. |Version 1.2.3 is out.",
        "It costs 1,000.50 dollars. |Meet at 10.30 sharp.",
        "Visit https://example.com/a.b?c=d!e for more. |Or www.example.org. |Done.",
        "Write to john.doe@example.co.uk today. |He answers.",
        "Open main.rs and README.md. |Then run it.",
        "On Jan. 5 and on Sept. 12 we met. |On Wed. Mar. 3 we did not.",
        "See section 1.2. |The next is better.",
        "1. Open the door. |Count: 2. |Good. |3. Go.",
    ]);
}

#[test]
fn a_small_letter_continues_the_sentence() {
    check(&[
        "Yahoo! is a company. |Jeopardy! is a show.",
        "“Stop!” he cried. |“Why?” asked Ann.",
        "Well... maybe not. |Well… maybe. |So... |Maybe.",
        "He said . . . nothing. |Nothing . . . |At all.",
    ]);
}

#[test]
fn quotes_and_brackets_stay_with_their_sentence() {
    check(&[
        "“Hello.” |“Who are you?” |“Nobody.”",
        "\"I came.\" |\"I saw.\" |He said: \"I won.\" |\"Good.\"",
        "'Go.' |'No!' |He left (at last). |She smiled.",
        "(He was late.) |Nobody cared. |[Laughter.] |Then it ended.",
        "He won (who knew? Nobody did!) and left. |Fine.",
        "He asked, “Why?” |“Because.” |“Is it ‘art?’” |She nodded.",
        "She said it was *over.* |**He left.** |_Really._ |Done.",
        "The dogs' bowl. |It's 5 o'clock. |That is the boys'. |Right.",
        "“It ended. |Nobody knew,” he said. |“Really?”",
    ]);
}

#[test]
fn a_mark_without_a_space_does_not_end() {
    check(&[
        "No!—and never again. |So be it.",
        "It was—what?—nothing. |Yes!Yes!",
        "Use a.b.c or x?y:z here. |Good.",
    ]);
}
