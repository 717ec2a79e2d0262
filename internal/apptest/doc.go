// Package apptest has parts of applications that the tests of several modules use.
package apptest
