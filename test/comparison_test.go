package test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var testLink = regexp.MustCompile(`\[([^\]]+)\]\(\.\./([^)\s]+_test\.go)\)`)

// What the comparison says of clad is held by tests, row by row, or is a no.
func TestTheComparisonNamesTestsThatThereAre(t *testing.T) {
	rows := 0
	for _, problem := range comparedWithoutTests(t, string(readFile(t, os.DirFS(".."), "docs/comparison.md")), &rows) {
		t.Error("docs/comparison.md: " + problem)
	}
	if rows < 30 {
		t.Errorf("%d rows were read", rows)
	}
}

// comparedWithoutTests reports rows whose test is not there.
func comparedWithoutTests(t *testing.T, page string, rows *int) (problems []string) {
	t.Helper()
	for line := range strings.Lines(page) {
		for _, link := range testLink.FindAllStringSubmatch(line, -1) {
			name, file := link[1], link[2]
			source, err := os.ReadFile("../" + file)
			if err != nil {
				problems = append(problems, err.Error())
			} else if !strings.Contains(string(source), "\nfunc "+name+"(t *testing.T) {") {
				problems = append(problems, file+" has no test "+name)
			}
		}
		cells := strings.Split(line, "|")
		if len(cells) != 8 || strings.HasPrefix(line, "|---") || strings.HasPrefix(line, "| |") {
			continue
		}
		*rows++
		said, heldBy := strings.TrimSpace(cells[2]), strings.TrimSpace(cells[3])
		if (said == "no") != (heldBy == "") || heldBy != "" && !testLink.MatchString(heldBy) {
			problems = append(problems, strings.TrimSpace(cells[1])+": clad says "+said+", held by "+heldBy)
		}
	}
	return problems
}

// The check itself finds what is wrong.
func TestTheComparisonIsRead(t *testing.T) {
	for row, want := range map[string]string{
		"| Retry | yes | [TestNothing](../container/retry_test.go) | yes | yes | yes |":     "has no test TestNothing",
		"| Retry | yes | [TestRetry](../container/nothing_test.go) | yes | yes | yes |":     "no such file",
		"| Retry | yes | | yes | yes | yes |":                                               "Retry: clad says yes",
		"| Retry | yes | [here](retry.md) | yes | yes | yes |":                              "Retry: clad says yes",
		"| Retry | no | [TestMain](../container/main_test.go) | yes | yes | yes |":          "has no test TestMain",
		"| – at all | no | [TestNothing](../container/retry_test.go) | yes | yes | yes |\n": "– at all: clad says no",
	} {
		rows := 0
		if problems := comparedWithoutTests(t, row, &rows); rows != 1 || !strings.Contains(strings.Join(problems, "\n"), want) {
			t.Errorf("%s: %q in %d rows; want %q", row, problems, rows, want)
		}
	}
}
