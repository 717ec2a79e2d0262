package dashboard

// What follows is as much of Grafana's model as the dashboard uses.

type dashboard struct {
	UID           string     `json:"uid"`
	Title         string     `json:"title"`
	Tags          []string   `json:"tags"`
	SchemaVersion int        `json:"schemaVersion"`
	Editable      bool       `json:"editable"`
	Refresh       string     `json:"refresh"`
	Time          timeRange  `json:"time"`
	Templating    templating `json:"templating"`
	Panels        []panel    `json:"panels"`
}

type timeRange struct {
	From string `json:"from"`
	To   string `json:"to"`
}

type templating struct {
	List []variable `json:"list"`
}

type variable struct {
	Name       string      `json:"name"`
	Label      string      `json:"label"`
	Type       string      `json:"type"`
	Query      string      `json:"query"`
	Datasource *datasource `json:"datasource,omitempty"`
	IncludeAll bool        `json:"includeAll,omitempty"`
	Multi      bool        `json:"multi,omitempty"`
	AllValue   string      `json:"allValue,omitempty"`
	Refresh    int         `json:"refresh,omitempty"`
}

type datasource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type panel struct {
	ID          int          `json:"id"`
	Type        string       `json:"type"`
	Title       string       `json:"title"`
	Description string       `json:"description,omitempty"`
	GridPos     gridPos      `json:"gridPos"`
	Datasource  *datasource  `json:"datasource,omitempty"`
	FieldConfig *fieldConfig `json:"fieldConfig,omitempty"`
	Targets     []target     `json:"targets,omitempty"`
}

type gridPos struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

type fieldConfig struct {
	Defaults  fields `json:"defaults"`
	Overrides []any  `json:"overrides"`
}

type fields struct {
	Unit       string          `json:"unit,omitempty"`
	Min        *float64        `json:"min,omitempty"`
	Thresholds *thresholdSteps `json:"thresholds,omitempty"`
	Mappings   []mapping       `json:"mappings,omitempty"`
}

type thresholdSteps struct {
	Mode  string `json:"mode"`
	Steps []any  `json:"steps"`
}

type step struct {
	Color string  `json:"color"`
	Value float64 `json:"value"`
}

type mapping struct {
	Type    string            `json:"type"`
	Options map[string]result `json:"options"`
}

type result struct {
	Text  string `json:"text"`
	Color string `json:"color"`
}

type target struct {
	RefID        string      `json:"refId"`
	Datasource   *datasource `json:"datasource"`
	Expr         string      `json:"expr"`
	LegendFormat string      `json:"legendFormat"`
}

var states = mapping{"value", map[string]result{
	"0": {"closed", "green"}, "1": {"half-open", "orange"}, "2": {"open", "red"},
}}

// prometheus is the data source that the dashboard's user chooses.
var prometheus = &datasource{"prometheus", "${datasource}"}

func variables() []variable {
	return []variable{
		{Name: "datasource", Label: "Data source", Type: "datasource", Query: "prometheus"},
		{
			Name: "operation", Label: "Operation", Type: "query", Query: "label_values(clad_operations_total, operation)",
			Datasource: prometheus, IncludeAll: true, Multi: true, AllValue: ".*", Refresh: 2,
		},
	}
}

func show(kind, title, description string, f fields, queries ...target) panel {
	zero := 0.0
	if kind == "timeseries" {
		f.Min = &zero
	}
	return panel{Type: kind, Title: title, Description: description, Datasource: prometheus, FieldConfig: &fieldConfig{f, []any{}}, Targets: queries}
}

func query(expr, legend string) target { return target{Expr: expr, LegendFormat: legend} }

func redFrom(n float64) *thresholdSteps { return thresholds("green", step{"red", n}) }

// thresholds begin with a colour for what is below all of them.
func thresholds(below string, steps ...step) *thresholdSteps {
	all := []any{struct {
		Color string `json:"color"`
		Value any    `json:"value"`
	}{below, nil}}
	for _, s := range steps {
		all = append(all, s)
	}
	return &thresholdSteps{"absolute", all}
}
