//! What is wrong with what was posted, field by field, in sentences.

/// What is wrong, in the order of the form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    of_fields: Vec<(String, String)>,
    of_form: Vec<String>,
}

impl Faults {
    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.of_fields.is_empty() && self.of_form.is_empty()
    }

    /// What is wrong with the field of that name.
    pub(super) fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.of_fields.iter().filter(move |(of, _)| of == name).map(|(_, sentence)| sentence.as_str())
    }

    /// What is wrong with no field that the form has.
    pub(super) fn of_form(&self) -> &[String] {
        &self.of_form
    }

    pub(super) fn add(&mut self, name: &str, sentence: impl Into<String>) {
        self.of_fields.push((name.to_owned(), sentence.into()));
    }

    pub(super) fn add_to_form(&mut self, sentence: String) {
        self.of_form.push(sentence);
    }

    pub(super) fn extend(&mut self, others: Self) {
        self.of_fields.extend(others.of_fields);
        self.of_form.extend(others.of_form);
    }

    /// With what is wrong with other fields than these. What is wrong with all of it may be for want of these.
    #[must_use]
    pub fn and_of_other_fields(mut self, others: Self) -> Self {
        if self.is_empty() {
            return others;
        }
        let known: Vec<_> = self.of_fields.iter().map(|(name, _)| name.clone()).collect();
        self.of_fields.extend(others.of_fields.into_iter().filter(|(name, _)| !known.contains(name)));
        self
    }

    /// The same, unless that is said of the field already.
    pub(super) fn add_once(&mut self, name: &str, sentence: String) {
        if !self.of(name).any(|known| known == sentence) {
            self.add(name, sentence);
        }
    }
}
