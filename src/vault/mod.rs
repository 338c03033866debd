//! The keys of records: seal, verify and open.
