//! Where the SDK sends something else than a recorded client, and why. Whatever is not listed here is the same.

use super::{
    Differs::{Alias, Moved, NoFunction, Refused, Unlike},
    Row,
    What::{Absent, Any, Empty, Is, Null},
};

pub(super) const TABLE: &[Row] = &[
    // ---------------------------------------------------------------------------------- everywhere
    Row {
        by: "python",
        of: "*",
        differs: Unlike("body.**", Null, Absent),
        why: "Python sends an argument of None as null, which means what its absence means",
    },
    Row {
        by: "python",
        of: "*",
        differs: Unlike("body.**", Empty, Absent),
        why: "a list or map that may be left out and holds nothing is left out, which means the same",
    },
];

const _: (Row, Row, Row, Row) = (
    Row { by: "", of: "", differs: Alias("", ""), why: "" },
    Row { by: "", of: "", differs: Moved("", ""), why: "" },
    Row { by: "", of: "", differs: NoFunction, why: "" },
    Row { by: "", of: "", differs: Unlike("", Is(""), Any), why: "" },
);
const _: Row = Row { by: "", of: "", differs: Refused(""), why: "" };
