//! Durable state and durable work, one transaction over both.
