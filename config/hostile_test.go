package config_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/config"
)

// A profile may come from anybody who can write a file, and is read while the
// application runs. One of 64 KB is to be done with in a tenth of a second.
const (
	hostileSize = 64 << 10
	inTime      = 2 * 100 * time.Millisecond * slowdown // twice: a core that is shared with others runs at half its speed
)

// fill writes parts between a head and a tail up to a size.
func fill(size int, head, tail string, part func(i int) string) string {
	var b strings.Builder
	b.WriteString(head)
	for i := 0; b.Len()+len(part(i))+len(tail) <= size; i++ {
		b.WriteString(part(i))
	}
	b.WriteString(tail)
	return b.String()
}

// numbered returns a part that has its number where %[1]d stands, and the next
// one where %[2]d does.
func numbered(format string) func(i int) string {
	return func(i int) string { return fmt.Sprintf(format, i, i+1) }
}

func repeated(text string) func(int) string { return func(int) string { return text } }

// nested writes names of which each is a part that has the one before many times.
func nested(first, part string, depth, times int) string {
	var b strings.Builder
	b.WriteString(first)
	for i := 1; i <= depth; i++ {
		fmt.Fprintf(&b, part, i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), times))
	}
	return b.String()
}

// hostile are files that took seconds or minutes, or all memory, and what is
// said of them now.
var hostile = map[string]struct{ text, want string }{
	"merge keys of merge keys": {
		nested("policies: {a0: &a0 {}, ", "a%d: &a%[1]d {<<: [%s]},\n", 12, 8) + "}", "the file is too large: its aliases, written out, would be more than 20000 entries",
	},
	"lists of aliases of lists": { // 421 bytes that took four seconds
		nested("policies: {a: &a0 {}, ", "a%d: &a%[1]d [%s],\n", 8, 8) + "b: {<<: *a8}}", "<< merges a map, or a list of maps, not a list",
	},
	"empty maps merged again and again": {
		fill(hostileSize, "policies: {e: &e {}, a: &a {<<: ["+strings.Repeat("*e, ", 7000)+"]},", "}", numbered("b%[1]d: {<<: *a},")), "the file is too large",
	},
	"a list that a merge key brings": {
		fill(hostileSize, "policies: {a: &a {order: ["+strings.Repeat("x,", 10_000)+"]},", "}", numbered("b%[1]d: {<<: *a},")), "has 10000 items",
	},
	"a list of layers by aliases": {
		fill(hostileSize, "policies: {a: {order: &o ["+strings.Repeat("x,", 10_000)+"]},", "}", numbered("b%[1]d: {order: *o},")), "has 10000 items",
	},
	"a list of one alias": {
		fill(hostileSize, "policies: {a: {order: [&x "+strings.Repeat("x", 900)+",", "]}}", repeated("*x,")), "items; it can have no more than 100",
	},
	"a map of unknown keys by aliases": {
		fill(hostileSize, fill(hostileSize/3, "policies: {a: &a {", "},", numbered("retr%[1]d: 1,")), "}", numbered("b%[1]d: *a,")), `policies.a.retr0: unknown key (did you mean "retry"?)`,
	},
	"sound maps by aliases": {
		fill(hostileSize, "policies: {p: none}\nservices: {a: {methods: &m "+fill(hostileSize/3, "{", "}", numbered("M%[1]d: p,"))+"},", "}", numbered("b%[1]d: {methods: *m},")), "the file is too large",
	},
	"merge keys in merge keys": {
		"policies: {a: " + strings.Repeat("{k: 1, <<: ", 2000) + "{}" + strings.Repeat("}", 2001), "<< nests more than 20 deep",
	},
	"a text of many bytes by aliases": {
		fill(hostileSize, "policies: {a: {timeout: &t "+strings.Repeat("1", 20_000)+"},", "}", numbered("b%[1]d: {timeout: *t},")), "policies.a.timeout: is 20000 bytes long; nothing that can stand here is longer than 1000",
	},
	"a name of many bytes": {
		fill(hostileSize, "policies: {? "+strings.Repeat("x", 20_000)+"\n: {", "}}", numbered("k%[1]d: 1,")), "policies: a key is 20000 bytes long",
	},
	"one key again and again": {
		fill(hostileSize, "policies: {a: {", "}}", repeated("retry: 1,")), "policies.a.retry: stands here a second time",
	},
	"unknown policies beside known ones": {
		fill(hostileSize, fill(hostileSize/2, "policies: {", "}\n", numbered("a%[1]d: none,"))+"services: {s: {methods: {", "}}}", numbered("M%[1]d: x%[1]d,")), `there is no policy "x0"; there are: a0, `,
	},
	"unknown parents beside known ones": {
		fill(hostileSize, fill(hostileSize/2, "policies: {", "", numbered("a%[1]d: none,")), "}", numbered("b%[1]d: {extends: x%[1]d},")), `there is no policy "x0"; there are: a0, `,
	},
	"misspelt long names": {
		fill(hostileSize, fill(hostileSize/2, "policies: {", "}\n", numbered("p%0190[1]d: none,"))+"services: {s: {methods: {", "}}}", numbered("M%[1]d: q%0190[1]d,")), `there is no policy "q0000`,
	},
	"a line of heirs": {
		fill(hostileSize, "policies: {p0: {retry: 1},", "}", numbered("p%[2]d: {extends: p%[1]d},")), "inherits from more than 100 policies, each of which extends the next",
	},
	"a line of heirs, the last first": {
		fill(hostileSize, "policies: {", "}", numbered("p%05[1]d: {extends: p%05[2]d},")), "inherits from more than 100 policies",
	},
	"retries without end": {
		fill(hostileSize, "policies: {", "}", numbered("p%[1]d: {timeout: 9h, retry: 2147483647},")), "the waits between 2147483647 attempts take at least",
	},
	"breakers of one name": {
		fill(hostileSize, "policies: {", "}", numbered("p%[1]d: {circuit_breaker: {name: a, window: %[2]ds}},")), "there may be more, but no more than 1000 mistakes are listed",
	},
	"keys that are no text": {
		fill(hostileSize, "policies: {", "}", numbered("%[1]d: none,")), "a key must be text, not 0; put it in quotes",
	},
}

func TestHostileFilesAreRefusedInTime(t *testing.T) {
	for name, tt := range hostile {
		t.Run(name, func(t *testing.T) {
			err := loadInTime(t, tt.text)
			wantError(t, err, tt.want)
			for _, m := range mistakes(err) {
				if m.File != "test.yaml" || m.Line < 1 || m.Column < 1 {
					t.Fatalf("without a place: %#v", m)
				}
			}
			if n := len(mistakes(err)); n > 1000 {
				t.Errorf("%d mistakes", n)
			}
			if n := len(err.Error()); n > 1<<20 {
				t.Errorf("the messages are %d bytes long", n)
			}
		})
	}
}

// What is large and sound is to be read as well, and as fast.
func TestLargeFilesAreReadInTime(t *testing.T) {
	for name, text := range map[string]string{
		"policies":         fill(hostileSize, "policies: {", "}", numbered("p%[1]d: {retry: 1, timeout: 1s},")),
		"services":         fill(hostileSize, "policies: {p: none}\nservices: {", "}", numbered("s%[1]d: {policy: p},")),
		"methods":          fill(hostileSize, "policies: {p: none}\nservices: {s: {methods: {", "}}}", numbered("M%[1]d: p,")),
		"circuit breakers": fill(hostileSize, "circuit_breakers: {", "}", numbered("b%[1]d: {window: 1s},")),
		"comments":         fill(hostileSize, "policies:\n", "", numbered("  # one\n  p%[1]d: none # two\n")),
	} {
		t.Run(name, func(t *testing.T) {
			if err := loadInTime(t, text); err != nil {
				t.Error(err)
			}
		})
	}
}

// loadInTime fails unless a file is done with in time: once of a few times, since
// other programs share the processor's caches.
func loadInTime(t *testing.T, text string, environ ...string) error {
	t.Helper()
	if len(text) > hostileSize {
		t.Fatalf("%d bytes", len(text))
	}
	fastest := time.Hour
	for range 30 {
		began := cpuTime()
		_, err := load(text, environ...)
		if fastest = min(fastest, cpuTime()-began); fastest <= inTime {
			return err
		}
		runtime.GC()
	}
	t.Fatalf("it took %v at least, want %v", fastest, inTime)
	return nil
}

// A list that has itself in it, merged, ended the process: a stack of a gigabyte
// can't be recovered from.
func TestMergeKeyOfAListWithinItself(t *testing.T) {
	for name, text := range map[string]string{
		"the list":              "policies: {a: {<<: &l [*l], retry: 1}}",
		"the list in another":   "policies: {a: {<<: &l [[*l]], retry: 1}}",
		"two lists":             "policies: {a: {<<: &l [&m [*l, *m]], retry: 1}}",
		"a list of the map":     "policies: {a: &a {<<: [*a], retry: 1}}",
		"as a key":              "policies: {a: {? &l [*l] : 1, retry: 1}}",
		"as a value":            "policies: {a: {order: &l [*l], retry: 1}}",
		"as a whole":            "&l [*l]",
		"a map as its own part": "policies: &p {a: *p}",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(text)
			if len(mistakes(err)) == 0 {
				t.Fatalf("Load: %v, want a mistake", err)
			}
		})
	}
}

// Aliases within their bounds are as good as what they stand for.
func TestAliasesStandForWhatTheyName(t *testing.T) {
	c := catalog(t, "", `
policies:
  a: &a
    order: &order [retry, timeout]
    retry: &retry {max_attempts: &n 4}
    timeout: &t 3s
  b: *a
  c: {<<: *a, timeout: none, order: none}
  d: {retry: *retry, timeout: *t, order: *order}
  e: {retry: *n, <<: [{timeout: *t}, *a]}
services:
  s: {methods: &m {A: a, B: b}}
  t: {methods: *m}
  u: {methods: {<<: *m, B: c}}
`)
	want := fmt.Sprint(c.Policies["a"])
	for _, name := range []string{"b", "d", "e"} {
		if got := fmt.Sprint(c.Policies[name]); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if got := fmt.Sprint(c.Policies["c"]); strings.Contains(got, "timeout") || !strings.Contains(got, "4 attempts") {
		t.Errorf("c: %s", got)
	}
	if got, want := fmt.Sprint(c.Services["t"], c.Services["u"].Methods["A"], c.Services["u"].Methods["B"]), "{ map[A:a B:b] false}ac"; got != want {
		t.Errorf("services: %s, want %s", got, want)
	}
}

// What one policy changes of a map that it shares by an alias is its own change.
func TestAnOverlayChangesOneOfTwoThatShareAnAlias(t *testing.T) {
	c := catalog(t, "policies: {a: &a {retry: {max_attempts: 2, max_elapsed: 9s}}, b: *a}", "policies: {a: {retry: {max_attempts: 5}}}",
		"CLAD__POLICIES__A__RETRY__MAX_ELAPSED=8s")
	for name, want := range map[string]string{"a": "5 attempts", "b": "2 attempts"} {
		if got := fmt.Sprint(c.Policies[name]); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if got := fmt.Sprint(c.Policies["b"]); !strings.Contains(got, "within 9s") {
		t.Errorf("b: %s, want within 9s", got)
	}
}

// Variables by the thousand beside policies by the thousand.
func TestHostileEnvironmentsAreRefusedInTime(t *testing.T) {
	policy := numbered("p_%[1]d: {retry: 1},")
	policies := fill(hostileSize/2, "policies: {", "}", policy)
	var unknown, known, near, long []string
	for i := range 2000 {
		unknown = append(unknown, fmt.Sprintf("CLAD__POLICIES__X_%d__RETRY=2", i))
		known = append(known, fmt.Sprintf("CLAD__POLICIES__P_%d__RETRY=2", i))
		near = append(near, fmt.Sprintf("CLAD_PROFILX%d=2", i))
		long = append(long, fmt.Sprintf("CLAD__POLICIES__%s%d__RETRY=2", strings.Repeat("_", 2000), i))
	}
	for name, tt := range map[string]struct {
		environ []string
		want    string
	}{
		"unknown": {unknown, `policies has no "X_0"`},
		"near":    {near, `is unknown (did you mean "CLAD_PROFILE"?)`},
		"long":    {long, "matches no setting: its name or value is longer than 1000 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			wantError(t, loadInTime(t, policies, tt.environ...), tt.want)
		})
	}
	t.Run("known", func(t *testing.T) {
		if err := loadInTime(t, policies, known[:1000]...); err != nil {
			t.Error(err)
		}
	})
	t.Run("names that can be taken apart in many ways", func(t *testing.T) {
		text := fill(hostileSize, "policies: {p: none}\nservices: {", "}", func(i int) string {
			return fmt.Sprintf("a%s: {methods: {_: p}},", strings.Repeat("_", i%450))
		})
		var environ []string
		for i := range 2000 {
			environ = append(environ, fmt.Sprintf("CLAD__SERVICES__A%s__METHODS__%d=p", strings.Repeat("_", 900), i))
		}
		wantError(t, loadInTime(t, text, environ...), "matches no setting")
	})
}

// The one bound that keeps work from the YAML package: it compares each %TAG
// with all before it.
func TestDirectivesAreBounded(t *testing.T) {
	if err := loadInTime(t, "%YAML 1.1\n%TAG !a! tag:a,2000:\n---\npolicies: {}\n"); err != nil {
		t.Error(err)
	}
	_, err := load(fill(400, "", "---\n{}\n", numbered("%%TAG !a%[1]d! tag:a,2000:\n")))
	wantError(t, err, "test.yaml:11:1: there are more than 10 directives, lines that begin with %; a profile needs none")
}

func TestFilesOfMoreThanAMegabyteAreRefused(t *testing.T) {
	text := "{}\n" + strings.Repeat("#\n", 1<<19)
	_, err := config.Load(files("test.yaml", text), "test", nil)
	wantError(t, err, `profile "test": read test.yaml: it is larger than 1024 KiB`)
}
