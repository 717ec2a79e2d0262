// Package sqltest tests cladsql with real databases and the drivers that people use.
// It is a module of its own, so that these drivers stay out of clad's.
package sqltest
