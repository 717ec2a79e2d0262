package docs_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/cladgo/clad/internal/docs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A page that uses all that there is has no problem, and everything on it is looked at.
func TestCheckAcceptsGoodPage(t *testing.T) {
	report := check(t, docs.Page{Name: "docs/good.md", Text: read(t, "testdata/good.md")})
	for _, problem := range report.Problems {
		t.Error(problem)
	}
	want := map[string]int{
		"go blocks": 11, "programs run": 3, "packages tested": 1,
		"sh blocks": 2, "sh blocks run": 1, "yaml blocks": 2, "links": 2,
	}
	if !maps.Equal(report.Counts, want) {
		t.Errorf("counted %v, want %v", report.Counts, want)
	}
	if len(report.Skipped) != 2 {
		t.Errorf("skipped %v, want two blocks", report.Skipped)
	}
}

// Each page of these folders has the mistakes that the file beside it lists, as
// "line: regular expression", and no other. They are two, since programs are only
// run when everything compiles.
func TestCheckFindsMistakes(t *testing.T) {
	for _, name := range []string{"testdata/compile", "testdata/run"} {
		t.Run(name, func(t *testing.T) {
			files, err := filepath.Glob(name + "/*.md")
			if err != nil {
				t.Fatal(err)
			}
			var pages []docs.Page
			want := map[string][]string{}
			for _, file := range files {
				page := docs.Page{Name: filepath.Base(file), Text: read(t, file)}
				pages = append(pages, page)
				want[page.Name] = strings.Split(strings.TrimSpace(read(t, file+".want")), "\n")
			}
			if len(pages) == 0 {
				t.Fatal("there are no pages")
			}
			got := map[string][]docs.Problem{}
			for _, problem := range check(t, pages...).Problems {
				got[problem.Page] = append(got[problem.Page], problem)
			}
			for _, page := range pages {
				if len(want[page.Name]) == 0 {
					t.Errorf("%s has no mistakes listed", page.Name)
				}
				if !matches(t, got[page.Name], want[page.Name]) {
					t.Errorf("%s: found\n%v\nwant\n\t%s", page.Name, got[page.Name], strings.Join(want[page.Name], "\n\t"))
				}
			}
		})
	}
}

func matches(t *testing.T, got []docs.Problem, want []string) bool {
	t.Helper()
	if len(got) != len(want) {
		return false
	}
	for _, w := range want {
		line, pattern, _ := strings.Cut(w, ": ")
		re, err := regexp.Compile(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(got, func(p docs.Problem) bool {
			return fmt.Sprint(p.Line) == line && re.MatchString(p.Text)
		}) {
			return false
		}
	}
	return true
}

func check(t *testing.T, pages ...docs.Page) *docs.Report {
	t.Helper()
	report, err := docs.Check(t.Context(), "../..", t.TempDir(), pages)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
