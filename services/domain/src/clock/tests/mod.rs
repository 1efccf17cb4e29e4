mod brute_force;
mod cases;
mod encoding;
mod properties;
mod stories;
