package schema_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestSchemaAcceptsTheExample(t *testing.T) {
	schema := compile(t)
	profiles, err := filepath.Glob(configs + "*.yaml")
	if err != nil || len(profiles) < 2 {
		t.Fatal(profiles, err)
	}
	for _, file := range profiles {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		value, err := instance(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

func TestSchemaAcceptsTheReference(t *testing.T) {
	schema := compile(t)
	blocks := referenceBlocks(t)
	for _, block := range blocks {
		value, err := instance(block)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%v\n%s", err, block)
		}
	}
	if len(blocks) < 5 {
		t.Errorf("%d profiles found in the reference; is the pattern right?", len(blocks))
	}
}

func referenceBlocks(t testing.TB) [][]byte {
	t.Helper()
	text, err := os.ReadFile("../../docs/profiles.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks [][]byte
	for _, block := range yamlBlock.FindAllSubmatch(text, -1) {
		blocks = append(blocks, block[1])
	}
	return blocks
}

// beyondSchema are the mistakes of the fixture that only Load can find, and why.
var beyondSchema = map[string]string{
	"circuit_breakers.rate_without_window":   "the window may stand in another layer",
	"circuit_breakers.no_rule":               "the rate may stand in another layer",
	"circuit_breakers.requests_without_rate": "the rate may stand in another layer",
	"rate_limiters.no_rate":                  "it may stand in another layer",
	"policies.octal":                         "a number, to YAML",
	"policies.endless_timeout":               "a pattern knows no range",
	"policies.wrong_for_default":             "the type may stand in another layer",
	"policies.capped_by_less":                "compares two values",
	"policies.capped_at_once":                "compares two values",
	"policies.protects_nothing":              "the layers may stand in another layer",
	"policies.no_such_breaker":               "a name",
	"policies.no_such_limiter":               "a name",
	"policies.attempt_longer_than_whole":     "compares two values",
	"policies.waits_longer_than_whole":       "compares two values",
	"policies.waits_longer_than_elapsed":     "compares two values",
	"policies.order_with_too_many":           "compares two values",
	"circuit_breakers.slow_without_call":     "may stand in another layer",
	"rate_limiters.period_without_requests":  "may stand in another layer",
	"rate_limiters.requests_without_period":  "may stand in another layer",
	"rate_limiters.both_rates":               "two keys",
	"rate_limiters.period_of_a_fleet":        "two keys",
	"rate_limiters.burst_of_a_period":        "two keys",
	"policies.adaptive_bounds":               "compares two values",
	"policies.adaptive_initial":              "compares two values",
	"policies.no_such_limiters":              "a name",
	"policies.no_limiters":                   "another layer may have some",
	"policies.order_with_too_few":            "compares two values",
	"policies.extends_unknown":               "a name",
	"policies.extends_itself":                "a name",
	"policies.circle_a":                      "a name",
	"policies.circle_b":                      "a name",
	"policies.circle_c":                      "a name",
	"policies.inline_other":                  "compares two values",
	"policies.inline_first":                  "sound: the other is mistaken",
	"policies.repaired":                      "sound: the base is mistaken",
	"policies.twice":                         "sound: the one before is mistaken",
	"circuit_breakers.orders":                "sound",
	"services.payments.Ledger":               "the choices may stand in another layer",
}

// Each entry of the profile with one of each kind of mistake is refused on its
// own, unless a schema cannot.
func TestSchemaRefusesMistakes(t *testing.T) {
	schema := compile(t)
	text, err := os.ReadFile("../../config/testdata/mistakes/production.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	accepted, refused := map[string]bool{}, 0
	for _, entry := range entries(document.Content[0]) {
		name := entry.name
		text, err := yaml.Marshal(entry.profile)
		if err != nil {
			t.Fatal(err)
		}
		value, err := instance(text)
		if err != nil {
			refused++ // no editor hands this on: a key twice, a map for a key
			continue
		}
		if err := schema.Validate(value); err == nil {
			accepted[name] = true
			if beyondSchema[name] == "" {
				t.Errorf("the schema accepts %s:\n%s", name, text)
			}
		} else {
			refused++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(beyondSchema)) {
		if !accepted[name] {
			t.Errorf("the schema refuses %s, or there is none: it is not beyond it", name)
		}
	}
	if refused < 50 {
		t.Errorf("only %d mistakes refused; is all of the fixture read?", refused)
	}
}

type entry struct {
	name    string
	profile *yaml.Node
}

// entries takes a profile apart: one profile for each key of a section, and one
// for each other key.
func entries(root *yaml.Node) []entry {
	var found []entry
	for i := 0; i+1 < len(root.Content); i += 2 {
		section, value := root.Content[i], root.Content[i+1]
		if value.Kind != yaml.MappingNode {
			found = append(found, entry{section.Value, mapping(section, value)})
			continue
		}
		for j := 0; j+1 < len(value.Content); j += 2 {
			key := value.Content[j]
			found = append(found, entry{section.Value + "." + key.Value, mapping(section, mapping(key, value.Content[j+1]))})
		}
	}
	return found
}

func mapping(key, value *yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{key, value}}
}
