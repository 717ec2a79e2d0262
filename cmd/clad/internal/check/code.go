package check

import (
	"maps"
	"slices"
	"strings"

	"github.com/cladgo/clad/cmd/clad/internal/usage"
	"github.com/cladgo/clad/internal/needs"
	"github.com/cladgo/clad/internal/suggest"
	"github.com/cladgo/clad/policy"
)

// code checks what Go packages name against the profiles that are sound.
func (c *checker) code(code *usage.Code) {
	for _, b := range code.Broken {
		f := inCode(b.At, "%s; names of policies may be missed", b.Message)
		c.add(f, "")
	}
	for _, u := range code.Unchecked {
		f := inCode(u.At, "%s", u.What)
		f.Note = true
		c.add(f, "")
	}
	sound := c.sound()
	if len(sound) == 0 {
		if len(c.Profiles) > 0 {
			c.add(Finding{File: c.Profiles[0].Dir, Problem: "no profile is sound, so the names in the code are not checked", Note: true}, "")
		}
		return
	}
	for _, u := range code.Uses {
		c.use(u, sound)
	}
	for _, s := range code.Services {
		c.chosenInCode(s)
	}
	for _, p := range sound {
		c.services(p, code)
		c.writes(p, code)
		c.clients(p, code)
	}
	if len(sound) == len(c.Profiles) { // a mistaken one may use what the others don't
		c.unused(sound, code)
	}
}

// soundProfile is a profile that could be loaded, and what it says.
type soundProfile struct {
	Profile
	catalog policy.Catalog
}

func (c *checker) sound() []soundProfile {
	var sound []soundProfile
	for _, p := range c.Profiles {
		if p.loaded != nil {
			sound = append(sound, soundProfile{p, p.loaded.Catalog()})
		}
	}
	return sound
}

func (p soundProfile) policies() []string { return slices.Sorted(maps.Keys(p.catalog.Policies)) }

// use checks one name of a policy: every profile must have it.
func (c *checker) use(u usage.Use, sound []soundProfile) {
	if u.Policy == "none" {
		return
	}
	if u.Policy == "" {
		c.add(inCode(u.At, "%s: it needs the name of a policy; none means no policy", u.By), "")
		return
	}
	var lacking []string
	var known []string
	for _, p := range sound {
		known = append(known, p.policies()...)
		if _, ok := p.catalog.Policies[u.Policy]; !ok {
			lacking = append(lacking, p.Name)
		}
	}
	switch {
	case len(lacking) == 0:
	case len(lacking) == len(sound):
		slices.Sort(known)
		known = slices.Compact(known)
		hint := suggest.Among(u.Policy, known)
		if u.Policy == policy.StandardName {
			hint += "; " + needs.Standard
		}
		c.add(inCode(u.At, "%s: there is no policy %q%s", u.By, u.Policy, hint), "")
	default:
		c.add(inCode(u.At, "%s: the policy %q is missing in the %s %s", u.By, u.Policy, plural(len(lacking), "profile", "profiles"), strings.Join(lacking, ", ")), "")
	}
}

// chosenInCode checks the methods that container.Method names.
func (c *checker) chosenInCode(s usage.Service) {
	for _, method := range slices.Sorted(maps.Keys(s.Chosen)) {
		if s.Methods != nil && !s.HasMethod(method) {
			c.add(inCode(s.Chosen[method].At, "container.Method(%q): %s has no such method%s", method, s.Type, suggest.Among(method, s.MethodNames())), "")
		}
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
