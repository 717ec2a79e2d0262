// Package helper tags on behalf of others, and imports none of their packages.
package helper

import "github.com/cladgo/clad/container"

// External tags any constructor.
func External(ctor any) any { return container.Tag(ctor, "external") }

// Typed tags one with a type.
func Typed[T any](ctor func() T) any { return container.Tag(ctor, "external") }

// All tags many.
func All(ctors ...any) []any {
	var tagged []any
	for _, ctor := range ctors {
		tagged = append(tagged, container.Tag(ctor, "external"))
	}
	return tagged
}

// As tags one as an interface.
func As[T any](ctor any) any { return container.Tag(ctor, "external", container.As[T]()) }

// Set has a field that others fill.
type Set struct{ Ctor any }

func (s Set) Tagged() any { return container.Tag(s.Ctor, "external") }
