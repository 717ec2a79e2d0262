package config

import (
	_ "embed"
	"strings"

	"github.com/cladgo/clad/policy"
)

// standard is the setting that adds the standard policy to a profile.
const standard = "standard"

// standardFile is what such a profile lies upon, with the reason of each value;
// standardOrigin is where they say that they come from.
//
//go:embed standard.yaml
var standardFile []byte

const standardOrigin = "clad/standard.yaml"

// Standard returns the policy that `standard: true` adds to a profile under the name
// [policy.StandardName], for those who have none.
func Standard() policy.Policy {
	c := &collector{}
	root, inherited := inherit(c, check(c, standardOrigin, standardFile))
	p := build(c, "", root, inherited, nil).Policies[policy.StandardName]
	if err := c.err(); err != nil {
		panic("config: the standard policy: " + err.Error()) // it is embedded, and tested
	}
	return p
}

// wantsStandard reports whether a profile asks for the standard policy.
func wantsStandard(files values, environ []string) bool {
	wants := place{nil, profileDefinition, files}.field(standard).boolean()
	for _, entry := range environ {
		variable, value, _ := strings.Cut(entry, "=")
		if name, ok := strings.CutPrefix(variable, prefix); ok && strings.EqualFold(name, standard) {
			wants = value == "true"
		}
	}
	return wants
}
