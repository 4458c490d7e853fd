//! sendvia
