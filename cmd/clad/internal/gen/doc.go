// Package gen is what `clad gen` does: it finds the interfaces that
// constructors given to container.Tag provide, and writes a proxy for each.
//
// The way through it, a file for each step:
//
//	uptodate.go     nothing at all where nothing has changed (inputs.go)
//	list.go         what the patterns match, whatever state the generated files are in
//	listing.go      what the go command says of it; store.go keeps that, answer.go how
//	reach.go        which of it can have to do with tagging
//	load.go         the types of that, by check.go
//	index.go        what is assigned, passed and returned where
//	trace.go        follows a value back to the constructors it may be
//	find.go         Tag calls -> the results they provide
//	constructor.go  a constructor -> the interfaces among its results
//	instantiate.go  what type parameters around a Tag call stand for
//	adapters.go     what is wrapped without a proxy (and kinds.go)
//	byname.go       -type names -> interfaces
//	unit.go         the interfaces that one file is for
//	access.go       can this interface be implemented, and its types be named, from here?
//	guard.go        how each method is guarded, and report.go how it says that it failed
//	input.go        what an attempt uses up of its arguments
//	outlive.go      results that are in use after the call
//	asserting.go    which packages may ask values what else they are
//	assert.go       what they ask, and offer.go what of it a proxy offers
//	comments.go     doc comments and //clad: directives of methods
//	render.go       the file; proxy.go a proxy in it; variables.go, typewriter.go, names.go
//	constraint.go   the build constraint of the file
//	output.go       written only when it changes
package gen
