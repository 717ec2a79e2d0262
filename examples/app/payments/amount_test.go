package payments_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/cladgo/clad/examples/app/payments"
)

func TestParseAmount(t *testing.T) {
	for text, want := range map[string]payments.Amount{
		"0": 0, "7": 700, "120.5": 12050, "120.50": 12050, "0.01": 1, "007": 700,
		"92233720368547758.07": math.MaxInt64,
	} {
		got, err := payments.ParseAmount(text)
		if err != nil || got != want {
			t.Errorf("ParseAmount(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", ".", ".5", "5.", "1.234", "-1", "+1", "1e3", "1,5", " 1", "0x10", `"1"`, "NaN", "92233720368547758.08",
	} {
		if got, err := payments.ParseAmount(text); err == nil {
			t.Errorf("ParseAmount(%q) = %d; want an error", text, got)
		}
	}
}

// Amounts read as floating-point numbers would be a cent off now and then.
func TestAmountsAreExactInJSON(t *testing.T) {
	var a payments.Amount
	if err := json.Unmarshal([]byte("1.15"), &a); err != nil || a != 115 { // 1.15*100 is 114.99999999999999
		t.Fatalf("1.15 is %d, %v", a, err)
	}
	b, err := json.Marshal(a)
	if string(b) != "1.15" || err != nil {
		t.Fatalf("115 is %s, %v", b, err)
	}
}

func FuzzParseAmount(f *testing.F) {
	for _, seed := range []string{"0", "120.50", "92233720368547758.07", "-1", ".", "1.999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := payments.ParseAmount(text)
		if err != nil {
			return
		}
		again, err := payments.ParseAmount(a.String())
		if a < 0 || err != nil || again != a {
			t.Fatalf("%q is %d, which prints %v, which is %d, %v", text, a, a, again, err)
		}
	})
}
