package reload_test

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"

	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/policy"
	"go.yaml.in/yaml/v3"
)

// inForce is the profile before each reload: every kind of layer and of state.
const inForce = `
circuit_breakers: {bank: {failure_threshold: 5, recovery_timeout: 1h}, forced: {}, spare: {failure_threshold: 5}}
rate_limiters: {calls: {requests_per_second: 0.001, burst: 10}, plenty: {requests_per_second: 100}}
bulkheads: {rooms: {max_concurrent: 5}}
policies:
  named: {rate_limit: calls, bulkhead: rooms, circuit_breaker: bank}
  unnamed:
    rate_limit: {requests_per_second: 0.001, burst: 10}
    bulkhead: {max_concurrent: 5}
    circuit_breaker: {failure_threshold: 5, recovery_timeout: 1h}
  retried: {retry: {max_attempts: 2, budget: 0.05, backoff: {type: fixed, delay: 1ms}}}
  hedged: {stale: 1h, timeout: 2h, hedge: {quantile: 0.9, budget: 1}, bulkhead: {max_concurrent: 50}, adaptive_limit: {}, attempt_timeout: 1h}
  copy: {extends: unnamed}
  base: {timeout: 3h}
services:
  reload_test.shelf[unnamed]: {policy: unnamed}
`

// What a reload may begin anew.
const (
	namedBreaker   = "the named breaker"
	unnamedBreaker = "the unnamed breaker"
	partitions     = "the partition's breaker"
	unnamedLimiter = "the unnamed limiter"
	unnamedRooms   = "the unnamed bulkhead"
)

// change is a reload that changes a setting: to a value, or by what is written in
// several places.
type change struct {
	to      string
	places  map[string]string // path -> value
	resets  []string          // by the nature of the setting, as docs/reloading.md has it
	spent   bool              // of tokens, those that are missing stay the same
	instead string            // where it is tested, if it can't be here
}

var aNewCount = []string{unnamedBreaker, partitions}

// changes has each setting that there is: a new one is a new line.
var changes = map[string]change{
	"circuit_breakers.*.failure_threshold": {to: "6", resets: []string{namedBreaker}},
	"circuit_breakers.*.failure_rate":      {places: map[string]string{"circuit_breakers.bank.failure_rate": "0.5", "circuit_breakers.bank.window": "1m"}, resets: []string{namedBreaker}},
	"circuit_breakers.*.min_requests":      {places: map[string]string{"circuit_breakers.bank.min_requests": "30", "circuit_breakers.bank.failure_rate": "0.5", "circuit_breakers.bank.window": "1m"}, resets: []string{namedBreaker}},
	"circuit_breakers.*.window":            {to: "1m", resets: []string{namedBreaker}},
	"circuit_breakers.*.slow_call":         {to: "1m"},
	"circuit_breakers.*.slow_rate":         {places: map[string]string{"circuit_breakers.bank.slow_call": "1m", "circuit_breakers.bank.slow_rate": "0.7"}},
	"circuit_breakers.*.recovery_timeout":  {to: "2h", resets: []string{namedBreaker}},
	"circuit_breakers.*.max_recovery":      {to: "3h", resets: []string{namedBreaker}},
	"circuit_breakers.*.recovery_jitter":   {to: "0.1"},
	"circuit_breakers.*.ramp":              {to: "10s"},
	"circuit_breakers.*.success_threshold": {to: "1", resets: []string{namedBreaker}},
	"circuit_breakers.*.probe_timeout":     {to: "10s", resets: []string{namedBreaker}},
	"circuit_breakers.*.patience":          {to: "10s"},
	"circuit_breakers.*.shared":            {instead: "../fleet"},
	"circuit_breakers.*.quorum":            {instead: "../fleet"},

	"rate_limiters.*.requests_per_second": {to: "0.002"},
	"rate_limiters.*.burst":               {to: "20"},
	"rate_limiters.*.requests_per_period": {places: map[string]string{"rate_limiters.calls": "{requests_per_period: 50, per: 1h}"}, spent: true},
	"rate_limiters.*.per":                 {places: map[string]string{"rate_limiters.calls": "{requests_per_period: 50, per: 2h}"}, spent: true},
	"rate_limiters.*.max_wait":            {to: "1s"},
	"rate_limiters.*.reserve":             {to: "0.1"},
	"rate_limiters.*.shared":              {instead: "../fleet"},
	"rate_limiters.*.exact":               {instead: "../fleet"},

	"bulkheads.*.max_concurrent": {to: "3"},
	"bulkheads.*.max_wait":       {to: "1s"},
	"bulkheads.*.reserve":        {to: "0.2"},

	"policies.*.extends": {to: "base"},
	"policies.*.order":   {to: "[circuit_breaker, bulkhead, rate_limit]"},

	"policies.*.circuit_breaker.name":              {places: map[string]string{"policies.unnamed.circuit_breaker": "{name: spare}"}, resets: aNewCount},
	"policies.*.circuit_breaker.failure_threshold": {to: "6", resets: aNewCount},
	"policies.*.circuit_breaker.failure_rate":      {places: map[string]string{"policies.unnamed.circuit_breaker.failure_rate": "0.5", "policies.unnamed.circuit_breaker.window": "1m"}, resets: aNewCount},
	"policies.*.circuit_breaker.min_requests":      {places: map[string]string{"policies.unnamed.circuit_breaker.min_requests": "30", "policies.unnamed.circuit_breaker.failure_rate": "0.5", "policies.unnamed.circuit_breaker.window": "1m"}, resets: aNewCount},
	"policies.*.circuit_breaker.window":            {to: "1m", resets: aNewCount},
	"policies.*.circuit_breaker.slow_call":         {to: "1m"},
	"policies.*.circuit_breaker.slow_rate":         {places: map[string]string{"policies.unnamed.circuit_breaker.slow_call": "1m", "policies.unnamed.circuit_breaker.slow_rate": "0.7"}},
	"policies.*.circuit_breaker.recovery_timeout":  {to: "2h", resets: aNewCount},
	"policies.*.circuit_breaker.max_recovery":      {to: "3h", resets: aNewCount},
	"policies.*.circuit_breaker.recovery_jitter":   {to: "0.1"},
	"policies.*.circuit_breaker.ramp":              {to: "10s"},
	"policies.*.circuit_breaker.success_threshold": {to: "1", resets: aNewCount},
	"policies.*.circuit_breaker.probe_timeout":     {to: "10s", resets: aNewCount},
	"policies.*.circuit_breaker.patience":          {to: "10s"},
	"policies.*.circuit_breaker.shared":            {instead: "../fleet"},
	"policies.*.circuit_breaker.quorum":            {instead: "../fleet"},

	"policies.*.rate_limit.name":                {places: map[string]string{"policies.unnamed.rate_limit": "{name: calls}"}, resets: []string{unnamedLimiter}},
	"policies.*.rate_limit.requests_per_second": {to: "0.002"},
	"policies.*.rate_limit.burst":               {to: "20"},
	"policies.*.rate_limit.requests_per_period": {places: map[string]string{"policies.unnamed.rate_limit": "{requests_per_period: 50, per: 1h}"}, spent: true},
	"policies.*.rate_limit.per":                 {places: map[string]string{"policies.unnamed.rate_limit": "{requests_per_period: 50, per: 2h}"}, spent: true},
	"policies.*.rate_limit.max_wait":            {to: "1s"},
	"policies.*.rate_limit.reserve":             {to: "0.1"},
	"policies.*.rate_limit.shared":              {instead: "../fleet"},
	"policies.*.rate_limit.exact":               {instead: "../fleet"},
	"policies.*.rate_limits":                    {places: map[string]string{"policies.hedged.rate_limits": "[plenty]"}},

	"policies.*.bulkhead.name":           {places: map[string]string{"policies.unnamed.bulkhead": "{name: rooms}"}, resets: []string{unnamedRooms}},
	"policies.*.bulkhead.max_concurrent": {to: "3"},
	"policies.*.bulkhead.max_wait":       {to: "1s"},
	"policies.*.bulkhead.reserve":        {to: "0.2"},

	"policies.*.retry.max_attempts":          {to: "3"},
	"policies.*.retry.backoff.type":          {places: map[string]string{"policies.retried.retry.backoff": "{type: linear, initial_delay: 1ms}"}},
	"policies.*.retry.backoff.delay":         {to: "2ms"},
	"policies.*.retry.backoff.initial_delay": {places: map[string]string{"policies.retried.retry.backoff": "{initial_delay: 2ms}"}},
	"policies.*.retry.backoff.increment":     {places: map[string]string{"policies.retried.retry.backoff": "{type: linear, initial_delay: 1ms, increment: 2ms}"}},
	"policies.*.retry.backoff.multiplier":    {places: map[string]string{"policies.retried.retry.backoff": "{initial_delay: 1ms, multiplier: 3}"}},
	"policies.*.retry.backoff.max_delay":     {places: map[string]string{"policies.retried.retry.backoff": "{initial_delay: 1ms, max_delay: 5ms}"}},
	"policies.*.retry.backoff.jitter":        {places: map[string]string{"policies.retried.retry.backoff": "{initial_delay: 1ms, jitter: false}"}},
	"policies.*.retry.max_elapsed":           {to: "1m"},
	"policies.*.retry.max_wait":              {to: "1m"},
	"policies.*.retry.budget":                {to: "0.06"},
	"policies.*.retry.idempotency_key":       {to: "Key"},

	"policies.*.stale":                   {to: "2h"},
	"policies.*.timeout":                 {to: "3h"},
	"policies.*.attempt_timeout":         {to: "30m"},
	"policies.*.hedge.delay":             {places: map[string]string{"policies.hedged.hedge": "{delay: 1s, budget: 1}"}},
	"policies.*.hedge.quantile":          {to: "0.8"},
	"policies.*.hedge.max_hedges":        {to: "2"},
	"policies.*.hedge.budget":            {to: "0.9"},
	"policies.*.adaptive_limit.initial":  {to: "40"},
	"policies.*.adaptive_limit.min":      {to: "2"},
	"policies.*.adaptive_limit.max":      {to: "500"},
	"policies.*.adaptive_limit.max_wait": {to: "1s"},
	"policies.*.chaos.rate":              {places: map[string]string{"policies.hedged.chaos": "{rate: 0.000000001, latency: 1ms}"}},
	"policies.*.chaos.latency":           {places: map[string]string{"policies.hedged.chaos": "{rate: 0.000000001, latency: 2ms}"}},
	"policies.*.chaos.error":             {places: map[string]string{"policies.hedged.chaos": "{rate: 0.000000001, error: down}"}},
	"policies.*.chaos.for":               {places: map[string]string{"policies.hedged.chaos": "{rate: 0.000000001, latency: 1ms, for: 1m}"}},
	"policies.*.chaos.allow_in":          {places: map[string]string{"policies.hedged.chaos": "{rate: 0.000000001, latency: 1ms, allow_in: test}"}},
	"policies.*.errors.answers":          {to: "[sql.ErrNoRows]"},
	"policies.*.errors.failures":         {to: "[sql.ErrTxDone]"},
	"policies.*.errors.refusals":         {to: "[sql.ErrConnDone]"},

	"services.*.policy":   {to: "copy"},
	"services.*.methods":  {to: "{Do: copy}"},
	"services.*.critical": {to: "true"},
	"standard":            {to: "true"},
	"reload":              {to: "true"},
	"shadow":              {to: "candidate"},
}

// Each setting of a profile is changed by a reload in the middle of calls: what was
// counted, taken, found out and decided stays, in all layers, but for what the setting
// begins anew by its nature.
func TestEachSettingIsReloadedWithItsStateKept(t *testing.T) {
	settings := settingsOfProfiles(t)
	for _, setting := range settings {
		c, ok := changes[setting]
		switch {
		case !ok:
			t.Errorf("%s has no line in changes: say what becomes of state when it is reloaded", setting)
		case c.instead != "":
			if _, err := os.Stat(c.instead); err != nil {
				t.Error(err)
			}
		default:
			t.Run(setting, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { c.reload(t, setting) })
			})
		}
	}
	for setting := range changes {
		if !slices.Contains(settings, setting) {
			t.Errorf("there is no setting %s", setting)
		}
	}
}

func (c change) reload(t *testing.T, setting string) {
	w := newWorld(t)
	w.live()
	before := w.state()
	if err := w.o.Reload(catalog(t, c.profile(t, setting))); err != nil {
		t.Fatal(err)
	}
	after := w.state()
	for name, was := range before.breakers {
		if now := after.breakers[name]; was != now && !c.begins(unnamedBreaker) {
			t.Errorf("breaker %s is another", name)
		}
	}
	for name, was := range before.tokens {
		now, ok := after.tokens[name]
		if !ok && c.begins(unnamedLimiter) {
			continue
		}
		if c.spent && after.most[name] != before.most[name] {
			was, now = before.most[name]-was, after.most[name]-now
		}
		if math.Abs(now-was) > 0.01 {
			t.Errorf("limiter %s: %v tokens were %v", name, now, was)
		}
	}
	for name, was := range before.inUse {
		if now, ok := after.inUse[name]; now != was && (ok || !c.begins(unnamedRooms)) {
			t.Errorf("bulkhead %s: %d permits are in use, of %d", name, now, was)
		}
	}
	if after.limit != before.limit {
		t.Errorf("the adaptive limit is %d, and was %d", after.limit, before.limit)
	}
	w.goesOn(c)
}

func (c change) begins(what string) bool { return slices.Contains(c.resets, what) }

// profile is the one in force with the change.
func (c change) profile(t *testing.T, setting string) string {
	t.Helper()
	var p map[string]any
	if err := yaml.Unmarshal([]byte(inForce), &p); err != nil {
		t.Fatal(err)
	}
	places := c.places
	if c.to != "" {
		places = map[string]string{whole(setting): c.to}
	}
	for path, text := range places {
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		put(p, path, value)
	}
	text, err := yaml.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// whole is the path of a setting where it is changed.
func whole(setting string) string {
	in := "unnamed"
	switch layer, _, _ := strings.Cut(strings.TrimPrefix(setting, "policies.*."), "."); layer {
	case "retry":
		in = "retried"
	case "stale", "timeout", "attempt_timeout", "hedge", "adaptive_limit", "errors":
		in = "hedged"
	}
	return strings.NewReplacer("circuit_breakers.*", "circuit_breakers.bank", "rate_limiters.*", "rate_limiters.calls",
		"bulkheads.*", "bulkheads.rooms", "policies.*", "policies."+in, "services.*", "services/reload_test.shelf[unnamed]/").Replace(setting)
}

func put(p map[string]any, path string, value any) {
	keys := strings.Split(path, ".")
	if service, ok := strings.CutPrefix(path, "services/"); ok {
		name, key, _ := strings.Cut(service, "/")
		keys = []string{"services", name, strings.TrimPrefix(key, ".")}
	}
	for _, key := range keys[:len(keys)-1] {
		inner, _ := p[key].(map[string]any)
		if inner == nil {
			inner = map[string]any{}
			p[key] = inner
		}
		p = inner
	}
	p[keys[len(keys)-1]] = value
}

func catalog(t *testing.T, profile string) policy.Catalog {
	t.Helper()
	p, err := config.Load(fstest.MapFS{
		"test.yaml": {Data: []byte(profile)}, "candidate.yaml": {Data: []byte(inForce)},
	}, "test", nil)
	if err != nil {
		t.Fatalf("%v in:\n%s", err, profile)
	}
	return p.Catalog()
}

// settingsOfProfiles lists the settings that the schema of profiles has, without those
// that only hold others.
func settingsOfProfiles(t *testing.T) (found []string) {
	t.Helper()
	text, err := os.ReadFile("../../configs/profile.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	defs, _ := root["$defs"].(map[string]any)
	var walk func(at any, path string) (leaves int)
	walk = func(at any, path string) (leaves int) {
		node, _ := at.(map[string]any)
		if ref, ok := node["$ref"].(string); ok {
			return walk(defs[strings.TrimPrefix(ref, "#/$defs/")], path)
		}
		for _, way := range []string{"anyOf", "oneOf", "allOf"} {
			ways, _ := node[way].([]any)
			for _, one := range ways {
				leaves += walk(one, path)
			}
		}
		properties, _ := node["properties"].(map[string]any)
		for key, inner := range properties {
			its := strings.TrimPrefix(path+"."+key, ".")
			if walk(inner, its) == 0 && !slices.Contains(found, its) {
				found = append(found, its)
			}
			leaves++
		}
		if named, ok := node["additionalProperties"].(map[string]any); ok {
			leaves += walk(named, path+".*")
		}
		return leaves
	}
	walk(root, "")
	slices.Sort(found)
	if len(found) < 50 {
		t.Fatalf("found only %q", found)
	}
	return found
}
