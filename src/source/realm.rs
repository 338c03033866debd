//! By what records know where their secrets are from, so that no secret and no account of one API passes for another's.

use crate::egress::Url;

/// Whose accounts and secrets these are: the API, and who gives its secrets, where that is known.
///
/// Two are the same where the same place gives their secrets; where one of them does not say who does, where they are
/// for the same API. A client's name, scopes and everything else that says only *how* a secret is asked for is no part
/// of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Realm {
    api: String,
    giver: Option<String>,
}

impl Realm {
    /// That of an API at this address, whose secrets this token endpoint gives; without one, somebody hands them over.
    pub fn at(base_url: &Url, token_endpoint: Option<&Url>) -> Self {
        // The query says how it is asked; another path may be another tenant with other accounts.
        let giver = token_endpoint.cloned().map(|mut url| {
            url.set_query(None);
            url.into()
        });
        Self { api: base_url.origin().ascii_serialization(), giver }
    }

    /// That of an API at this address whose keys people type in.
    pub(super) fn typed(base_url: &Url) -> Self {
        let api = base_url.origin().ascii_serialization();
        Self { giver: Some(format!("typed:{api}")), api }
    }

    /// That of a gateway without an API: the bus knows who somebody is.
    pub(super) fn of_bus(base_url: &Url) -> Self {
        Self { giver: Some("bus".to_owned()), ..Self::at(base_url, None) }
    }

    /// What records hold of it: one line, not secret.
    pub fn mark(&self) -> String {
        match &self.giver {
            Some(giver) => format!("{} {giver}", self.api),
            None => self.api.clone(),
        }
    }

    /// What sets the realm of a record with this mark apart from this one, for people; `None` where it is this one, as
    /// for a record without a mark.
    pub fn another<'a>(&self, mark: Option<&'a str>) -> Option<&'a str> {
        let mark = mark?;
        let (api, giver) = mark.split_once(' ').map_or((mark, None), |(api, giver)| (api, Some(giver)));
        let is_same = match (giver, &self.giver) {
            (Some(theirs), Some(ours)) => theirs == ours,
            _ => api == self.api,
        };
        let is_same_api = api == self.api;
        (!is_same).then(|| giver.filter(|_| is_same_api).unwrap_or(api))
    }
}
