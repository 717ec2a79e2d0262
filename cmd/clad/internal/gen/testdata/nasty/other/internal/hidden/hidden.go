// Package hidden can't be imported by package nasty.
package hidden

type Secret struct{ Value string }

type Keeper interface{ Keep(s Secret) error }

type Only struct{}

type Aliased struct{}
