package container_test

import (
	"database/sql"
	"net/http"
	"strings"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// Whoever tags what an adapter wraps, and has not imported it, is told which.
func TestAMissingAdapterIsNamed(t *testing.T) {
	for want, ctor := range map[string]any{
		"cladhttp": func() *http.Client { return nil },
		"cladsql":  func() *sql.DB { return nil },
	} {
		c, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{"p": policy.Retry{}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Provide(container.Tag(ctor, "p")); err != nil {
			t.Fatal(err)
		}
		if err := c.Invoke(func() {}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v; want one that names %s", err, want)
		}
	}
}
