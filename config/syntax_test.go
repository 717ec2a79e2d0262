package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cladgo/clad/config"
)

func TestSyntax(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want string
	}{
		"no end of a list":        {"policies:\n  a: {order: [retry\n", "test.yaml:2:3: not YAML: did not find expected ',' or ']'"},
		"no end of a list, first": {"{policies: {}\n", "test.yaml:1:1: not YAML: did not find expected"},
		"two values":              {"policies:\n  a: retry: 3\n", "test.yaml:2:3: not YAML: mapping values are not allowed"},
		"two values, first":       {"policies: a: 3\n", "test.yaml:1:1: not YAML: mapping values are not allowed"},
		"a list in a map":         {"policies: {}\n- retry\n", "test.yaml:2:1: not YAML: did not find expected key"},
		"a tab":                   {"policies:\n\ta: none\n", "test.yaml:2:2: not YAML: found character that cannot start any token; indent with spaces, not tabs"},
		"no end of a text":        {"policies:\n  a: 'none\n", "not YAML: found unexpected end of stream"},
		"an unknown alias":        {"policies:\n  a: *nowhere\n", "test.yaml:2:3: not YAML: unknown anchor 'nowhere' referenced"},
		"not UTF-8":               {"policies:\n  a\xff: none\n", "test.yaml:2:4: not YAML: there is a byte that is not UTF-8"},
		"UTF-16":                  {"\xff\xfea\x00", "test.yaml:1:1: not YAML: there is a byte that is not UTF-8"},
		"a control character":     {"policies: \x00\n", "test.yaml:1:11: not YAML: there is a byte"},
		"an unknown directive":    {"%YAML 3.0\n---\n{}\n", "not YAML: found incompatible YAML document"},
		"a second document":       {"policies: {}\n---\npolicies: {}\n", "test.yaml:2:1: a second document begins here"},
		"a bad second document":   {"policies: {}\n---\n[\n", "test.yaml:3:1: not YAML"},
		"empty":                   {"", "test.yaml:1:1: the file is empty; write {} if that is meant"},
		"only comments":           {"# to be done\n", "test.yaml:1:1: the file is empty"},
		"only a document start":   {"---\n", "the file is empty"},
		"null":                    {"\n\nnull\n", "test.yaml:3:1: the file is empty"},
		"a list":                  {"- policies\n", "test.yaml:1:1: must be a map of settings, not a list"},
		"a word":                  {"policies\n", `test.yaml:1:1: must be a map of settings, not "policies"`},
		"a set":                   {"!!set {policies}\n", "test.yaml:1:1: must be a map of settings, not something tagged !!set"},
		"a merge key of a list of lists": {
			"policies: {a: {<<: [[1]], retry: 1}}\n", "test.yaml:1:21: policies.a: << merges a map, or a list of maps, not a list",
		},
		"a message of several lines": {"policies: {a: {timeout: !!int \"a\\nb\"}}", "policies.a.timeout: must be a duration such as 5s or none, not a\\nb"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(tt.text)
			wantError(t, err, tt.want)
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("one mistake on several lines:\n%v", err)
			}
			var m *config.Mistake
			if !errors.As(err, &m) || m.Line < 1 || m.Column < 1 {
				t.Errorf("%v has no place", err)
			}
		})
	}
}

// Each alias of a map of nine aliases multiplies by nine: nine lines would take
// more memory than there is.
func TestAliasesCannotGrowWithoutEnd(t *testing.T) {
	var b strings.Builder
	b.WriteString("policies:\n  p0: &p0 {retry: 1}\n")
	for i := '1'; i <= '9'; i++ {
		previous := "*p" + string(i-1)
		b.WriteString("  p" + string(i) + ": &p" + string(i) + " {<<: [" + strings.Repeat(previous+", ", 8) + previous + "]}\n")
	}
	_, err := load(b.String())
	wantError(t, err, "test.yaml:6:52: the file is too large: its aliases")
}
