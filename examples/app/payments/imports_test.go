package payments_test

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The domain may import the contracts of clad, and of the standard library what
// has nothing to do with the world outside.
func TestDomainImportsPolicyAlone(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, imported := range parsed.Imports {
			path, err := strconv.Unquote(imported.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			seen++
			first, _, _ := strings.Cut(path, "/")
			switch {
			case path == "github.com/cladgo/clad/policy":
			case strings.Contains(first, "."):
				t.Errorf("%s imports %s: of other modules only clad's policy is allowed", file, path)
			case first == "net", first == "os", first == "database", first == "syscall":
				t.Errorf("%s imports %s: the domain knows nothing of the world outside", file, path)
			}
		}
	}
	if seen == 0 {
		t.Error("no imports were read")
	}
}
