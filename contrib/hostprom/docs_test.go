package hostprom_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func read(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}

// requireExposed requires that each metric named in a text is exposed, and returns the names.
func requireExposed(t testing.TB, text string) []string {
	t.Helper()
	exposed := map[string]bool{}
	for _, f := range gather(t, full(t)) {
		exposed[f.GetName()] = true
		if f.GetType() == dto.MetricType_HISTOGRAM {
			for _, part := range []string{"_bucket", "_sum", "_count"} {
				exposed[f.GetName()+part] = true
			}
		}
	}
	names := regexp.MustCompile(`\bhostlife_\w+`).FindAllString(text, -1)
	for _, name := range names {
		require.True(t, exposed[name], "%s in %s", name, text)
	}
	return names
}

// The tables of README.md match the metrics.
func TestReadme(t *testing.T) {
	text := read(t, "README.md")
	requireExposed(t, text)
	var metrics, buckets strings.Builder
	for _, f := range gather(t, full(t)) {
		fmt.Fprintf(&metrics, "| `%s` | %s | %s | %s |\n", f.GetName(), strings.ToLower(f.GetType().String()), labels(f), f.GetHelp())
		if f.GetType() == dto.MetricType_HISTOGRAM {
			var bounds []string
			for _, b := range f.Metric[0].Histogram.Bucket {
				bounds = append(bounds, fmt.Sprint(b.GetUpperBound()))
			}
			fmt.Fprintf(&buckets, "| `%s` | %s |\n", f.GetName(), strings.Join(bounds, ", "))
		}
	}
	require.Contains(t, text, "| metric | type | labels | what it is |\n|---|---|---|---|\n"+metrics.String()+"\n")
	require.Contains(t, text, "| histogram | classic buckets, up to |\n|---|---|\n"+buckets.String()+"\n")
}

// labels returns the labels of a metric, with their values where README.md lists them.
func labels(f *dto.MetricFamily) string {
	values := map[string][]string{}
	for _, m := range f.Metric {
		for _, l := range m.Label {
			values[l.GetName()] = append(values[l.GetName()], l.GetValue())
		}
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		switch name {
		case "by", "keeper", "kind", "outcome", "state":
			name += ": " + strings.Join(slices.Compact(slices.Sorted(slices.Values(values[name]))), ", ")
			fallthrough
		default:
			all = append(all, name)
		}
	}
	return strings.Join(all, "; ")
}

const runbook = "https://github.com/hostlife/hostlife/blob/main/contrib/hostprom/RUNBOOK.md#"

type rules struct {
	Groups []struct {
		Rules []struct {
			Alert, Record, Expr string
			Annotations         map[string]string
		}
	}
}

// Each alert has a section in the runbook and a test each for firing and not firing.
func TestAlerts(t *testing.T) {
	var alerts rules
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "alerts.yml")), &alerts))
	var tests struct {
		Tests []struct {
			Cases []struct {
				Alert string           `yaml:"alertname"`
				Want  []map[string]any `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "alerts_test.yml")), &tests))
	tested := map[string]bool{}
	for _, group := range tests.Tests {
		for _, c := range group.Cases {
			tested[fmt.Sprint(c.Alert, " ", len(c.Want) > 0)] = true
		}
	}
	var names, sections []string
	for _, r := range alerts.Groups[0].Rules {
		require.NotEmpty(t, requireExposed(t, r.Expr), r.Alert+r.Record)
		if r.Record != "" {
			continue
		}
		names = append(names, r.Alert)
		require.NotEmpty(t, r.Annotations["summary"], r.Alert)
		require.NotEmpty(t, r.Annotations["description"], r.Alert)
		require.Equal(t, runbook+strings.ToLower(r.Alert), r.Annotations["runbook_url"])
		require.True(t, tested[r.Alert+" true"] && tested[r.Alert+" false"], r.Alert)
	}
	book := read(t, "RUNBOOK.md")
	requireExposed(t, book)
	for _, m := range regexp.MustCompile(`(?m)^## (Hostlife.*)$`).FindAllStringSubmatch(book, -1) {
		sections = append(sections, m[1])
	}
	require.Equal(t, names, sections)
}

type dashboard struct {
	Templating struct {
		List []struct{ Name, Type, Query, Definition any }
	}
	Panels []struct {
		ID         int
		Type       string
		Title      string
		Datasource struct{ UID string }
		Targets    []struct{ Expr string }
	}
}

func readDashboard(t testing.TB) (d dashboard) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(read(t, "dashboard.json")), &d))
	return d
}

// exprs returns the expressions, with values for Grafana's variables.
func (d dashboard) exprs() (all []string) {
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			all = append(all, strings.NewReplacer("$__rate_interval", "5m", "$registry", ".*", "$instance", ".*", "$gc", ".*", "$task", ".*").Replace(target.Expr))
		}
	}
	return all
}

// The dashboard shows each metric, and its data source is a variable.
func TestDashboard(t *testing.T) {
	d := readDashboard(t)
	require.Equal(t, "datasource", d.Templating.List[0].Name)
	require.Equal(t, "datasource", d.Templating.List[0].Type)
	for _, v := range d.Templating.List[1:] {
		require.NotEmpty(t, requireExposed(t, fmt.Sprint(v.Definition)))
	}
	ids := map[int]bool{}
	for _, p := range d.Panels {
		require.False(t, ids[p.ID], p.Title)
		ids[p.ID] = true
		if p.Type != "row" {
			require.Equal(t, "${datasource}", p.Datasource.UID, p.Title)
			require.NotEmpty(t, p.Targets, p.Title)
		}
	}
	shown := map[string]bool{}
	for _, expr := range d.exprs() {
		require.NotContains(t, expr, "$")
		for _, name := range requireExposed(t, expr) {
			shown[name] = true
		}
	}
	for _, f := range gather(t, full(t)) {
		require.True(t, shown[f.GetName()], f.GetName())
	}
}
