// Package gen is what `clad gen` does: it finds the interfaces that
// constructors given to container.Tag provide, and writes a proxy for each.
//
// The way through it, a file for each step:
//
//	load.go         packages and their types, whatever state the generated files are in
//	index.go        what is assigned, passed and returned where
//	trace.go        follows a value back to the constructors it may be
//	find.go         Tag calls -> the results they provide
//	constructor.go  a constructor -> the interfaces among its results
//	byname.go       -type names -> interfaces
//	access.go       can this interface be implemented, and its types be named, from here?
//	guard.go        how each method is guarded
//	outlive.go      results that are in use after the call
//	comments.go     doc comments and //clad: directives of methods
//	render.go       the file; proxy.go a proxy in it; typewriter.go a type; names.go identifiers
//	output.go       written only when it changes
package gen
