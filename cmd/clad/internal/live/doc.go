// Package live shows what an application's console tells, in a terminal and to
// scripts. What it prints came from an address that somebody typed: nothing in it is
// obeyed by a terminal, and its size is bounded.
package live
