package config_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/policy"
)

const reference = "../docs/profiles.md"

var generated = regexp.MustCompile(`(?s)(<!-- settings: (\w+) -->\n).*?(<!-- end -->)`)

// The tables of the reference are made of the definitions that Load reads, so
// they can't say anything else.
func TestReferenceHasEverySetting(t *testing.T) {
	tables := config.ReferenceTables()
	text, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	want := generated.ReplaceAllStringFunc(string(text), func(block string) string {
		parts := generated.FindStringSubmatch(block)
		found = append(found, parts[2])
		return parts[1] + tables[parts[2]] + parts[3]
	})
	golden(t, reference, want)
	for name := range tables {
		if !slices.Contains(found, name) {
			t.Errorf("%s has no table of the settings of %s", reference, name)
		}
	}
}

var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

// Every profile in the reference is one that Load accepts. One that begins with
// "# base.yaml" lies under the next.
func TestReferenceShowsSoundProfiles(t *testing.T) {
	text, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	base := "{}"
	blocks := yamlBlock.FindAllStringSubmatch(string(text), -1)
	for _, block := range blocks {
		profile := block[1]
		p, err := config.Load(files("base.yaml", base, "test.yaml", profile), "test", nil)
		if err != nil {
			t.Errorf("%v\n%s", err, profile)
			continue
		}
		checkSound(t, p.Catalog())
		base = "{}"
		if strings.HasPrefix(profile, "# base.yaml") {
			base = profile
		}
	}
	if len(blocks) < 5 {
		t.Errorf("%d profiles found in the reference; is the pattern right?", len(blocks))
	}
}

// Every variable in the reference is one that some profile can have.
func TestReferenceShowsRealVariables(t *testing.T) {
	text, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `(CLAD__[^`]*)`").FindAllStringSubmatch(string(text), -1)
	if len(rows) < 5 {
		t.Fatalf("%d variables found in the reference; is the pattern right?", len(rows))
	}
	for _, row := range rows {
		_, err := load(`
circuit_breakers: {payment-service: {}}
policies: {database: {timeout: 9s, retry: 3}, external-api: {retry: 2}}
services: {payments.Gateway: {methods: {Refund: external-api}}}
`, row[1])
		if err != nil {
			t.Error(err)
		}
	}
}

// The mistakes that the reference shows are what Load really says.
func TestReferenceShowsRealMistakes(t *testing.T) {
	text, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "<!-- mistaken -->\n")
	blocks := regexp.MustCompile("(?s)```text\n(.*?)```").FindAllStringSubmatch(section, 2)
	if !found || len(blocks) != 2 {
		t.Fatal("the reference shows no mistaken profile and its mistakes")
	}
	_, err = config.Load(files("production.yaml", blocks[0][1]), "production", []string{"CLAD__POLICIES__DATABASE__RETRIES=5"})
	if err == nil || err.Error()+"\n" != blocks[1][1] {
		t.Errorf("Load says\n%v\nthe reference\n%s", err, blocks[1][1])
	}
}

func exampleProfile(t *testing.T, name string) policy.Catalog {
	t.Helper()
	p, err := config.Load(config.Dir("../configs"), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	checkSound(t, p.Catalog())
	return p.Catalog()
}

func TestExampleHasEverySettingInProduction(t *testing.T) {
	text, err := os.ReadFile("../configs/production.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var bare []string // without comments
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		bare = append(bare, line)
	}
	for _, key := range config.SettingKeys() {
		if !regexp.MustCompile(`(?m)(^|[ {])` + key + `:`).MatchString(strings.Join(bare, "\n")) {
			t.Errorf("configs/production.yaml does not show %s", key)
		}
	}
}

// Tags and services name policies, whichever profile is loaded.
func TestExampleHasTheSamePoliciesInEveryProfile(t *testing.T) {
	production, development := exampleProfile(t, "production"), exampleProfile(t, "development")
	for name := range production.Policies {
		if _, ok := development.Policies[name]; !ok {
			t.Errorf("development has no policy %s", name)
		}
	}
	if len(development.Policies) != len(production.Policies) {
		t.Errorf("production has %d policies, development %d", len(production.Policies), len(development.Policies))
	}
}

func TestExampleUsesAllThatItNames(t *testing.T) {
	c := exampleProfile(t, "production")
	used := map[string]bool{}
	for _, p := range c.Policies {
		for _, layer := range policy.Layers(p) {
			switch layer := layer.(type) {
			case policy.CircuitBreaker:
				used[layer.Name] = true
			case policy.RateLimit:
				used[layer.Name] = true
			}
		}
	}
	for name := range c.CircuitBreakers {
		if !used[name] {
			t.Errorf("no policy asks the circuit breaker %s", name)
		}
	}
	for name := range c.RateLimiters {
		if !used[name] {
			t.Errorf("no policy asks the rate limiter %s", name)
		}
	}
}

// The schema is made of the definitions that Load reads, too.
func TestSchemaIsCurrent(t *testing.T) {
	golden(t, "../configs/profile.schema.json", string(config.JSONSchema()))
}

// An editor finds the schema by this comment.
func TestExampleUsesTheSchema(t *testing.T) {
	profiles, err := filepath.Glob("../configs/*.yaml")
	if err != nil || len(profiles) == 0 {
		t.Fatal(profiles, err)
	}
	for _, file := range profiles {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), "# yaml-language-server: $schema=profile.schema.json\n") {
			t.Errorf("%s does not begin with the comment that names its schema", file)
		}
	}
}
