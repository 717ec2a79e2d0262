//go:build !race

// The examples run outside of this process, where the race detector of a test
// does not see them.

package docs_test

import (
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/cladgo/clad/internal/docs"
)

// Every example on every page of the repository compiles, runs, and prints what
// the page says.
func TestRepository(t *testing.T) {
	const root = "../.."
	var pages []docs.Page
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		switch base := path.Base(name); {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && (base[0] == '.' || base == "testdata"):
			return fs.SkipDir
		case path.Ext(name) != ".md" || entry.IsDir():
			return nil
		}
		text, err := fs.ReadFile(os.DirFS(root), name)
		pages = append(pages, docs.Page{Name: name, Text: strings.ReplaceAll(string(text), "\r\n", "\n")})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) == 0 {
		t.Fatal("the repository has no pages")
	}

	report, err := docs.Check(t.Context(), root, t.TempDir(), pages)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range report.Problems {
		t.Error(problem)
	}
	t.Logf("%d pages: %v", len(pages), report.Counts)
	for _, skipped := range report.Skipped {
		t.Log("not checked: ", skipped)
	}
}
