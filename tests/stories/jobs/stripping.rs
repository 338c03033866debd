//! What is let out of a response.
