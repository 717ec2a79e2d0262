package policy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/policy"
)

func TestHedgeSettings(t *testing.T) {
	for _, tt := range []struct {
		hedge policy.Hedge
		text  string // of a good one
		wrong []string
	}{
		{hedge: policy.Hedge{Delay: time.Second}, text: "hedge(after 1s, 1 more, budget 10%)"},
		{hedge: policy.Hedge{Quantile: 0.95, MaxHedges: 2, Budget: 0.05}, text: "hedge(after the 95% quantile, 2 more, budget 5%)"},
		{hedge: policy.Hedge{}, wrong: []string{"neither Delay nor Quantile"}},
		{hedge: policy.Hedge{Delay: 1, Quantile: 0.5}, wrong: []string{"both Delay and Quantile"}},
		{hedge: policy.Hedge{Delay: -1, MaxHedges: -2, Budget: 1.5}, wrong: []string{"Delay is -1ns", "MaxHedges is -2", "Budget is 1.5"}},
		{hedge: policy.Hedge{Quantile: 1, MaxHedges: 11, Budget: -1}, wrong: []string{"Quantile is 1", "MaxHedges is 11", "Budget is -1"}},
	} {
		err := tt.hedge.Validate()
		if tt.wrong == nil && (err != nil || tt.hedge.String() != tt.text) {
			t.Errorf("%v, want %s: %v", tt.hedge, tt.text, err)
		}
		for _, want := range tt.wrong {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %v, want %s", tt.hedge, err, want)
			}
		}
	}
}
