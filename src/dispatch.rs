//! The worker: delivery → credentials → job → reply → end.
