//! What is large, together with the room that it takes.

use std::ops::Deref;

use super::Taken;

/// A thing and its room. Whoever has the one has the other, so the room is not given back while the thing is there.
#[derive(Debug)]
pub struct Held<T> {
    thing: T,
    room: Taken,
}

impl<T> Held<T> {
    /// This thing in this room.
    pub fn new(thing: T, room: Taken) -> Self {
        Self { thing, room }
    }

    /// What is made of it, in the same room.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Held<U> {
        Held { thing: make(self.thing), room: self.room }
    }

    /// Uses it up; its room is given back after that.
    pub fn spend<R>(self, work: impl FnOnce(T) -> R) -> R {
        let Self { thing, room } = self;
        let done = work(thing);
        drop(room);
        done
    }
}

impl<T, E> Held<Result<T, E>> {
    /// The thing in its room, or the error without it.
    ///
    /// # Errors
    /// The error that it is.
    pub fn transpose(self) -> Result<Held<T>, E> {
        self.thing.map(|thing| Held { thing, room: self.room })
    }
}

impl<T> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.thing
    }
}
