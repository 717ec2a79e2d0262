package fleet

import (
	"fmt"
	"os"
	"strings"
)

// Page is where the results are written.
const Page = "../../docs/fleet.md"

// Update writes text between the marks of a name in the page.
func Update(name, text string) error {
	page, err := os.ReadFile(Page)
	if err != nil {
		return err
	}
	begin, end := "<!-- "+name+" -->\n", "<!-- end "+name+" -->"
	before, rest, ok := strings.Cut(string(page), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no part between %q and %q", Page, begin, end)
	}
	return os.WriteFile(Page, []byte(before+begin+text+end+after), 0o644)
}
