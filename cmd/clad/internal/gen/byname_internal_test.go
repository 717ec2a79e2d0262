package gen

import (
	"strings"
	"testing"
)

// FuzzParseTypeNames: whatever -type is given, each name that is accepted can be
// given alone and means the same.
func FuzzParseTypeNames(f *testing.F) {
	for _, seed := range []string{"A", "A,io/fs.FS", "Repo[K,map[string]*gopkg.in/yaml.v3.Node]", "interface{ Do(a, b int) }", "[", ",", "..A", "a.b.C", "é.É"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, flag string) {
		names, err := parseTypeNames(flag)
		if err != nil {
			return
		}
		if len(names) == 0 {
			t.Fatalf("%q means nothing", flag)
		}
		for _, n := range names {
			alone, err := parseTypeNames(n.text)
			if err != nil || len(alone) != 1 || alone[0].expr != n.expr {
				t.Errorf("%q of %q alone is %v, %v", n.text, flag, alone, err)
			}
			for i, path := range n.paths {
				if path == "" || !strings.Contains(n.expr, placeholder(i)) {
					t.Errorf("%q: the path %q is not in %s", n.text, path, n.expr)
				}
			}
		}
	})
}
