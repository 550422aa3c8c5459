package hostprom_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// promtool runs Prometheus' checker, which must find nothing. If it is missing the test is skipped;
// in CI it fails.
func promtool(t *testing.T, stdin io.Reader, args ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		const how = "promtool is missing; to run it: apt-get install prometheus"
		if os.Getenv("CI") == "true" {
			t.Fatal(how)
		}
		t.Skip(how)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Stdin = stdin
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func TestPromtoolChecksMetrics(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	require.NoError(t, reg.Register(full(t)))
	var text bytes.Buffer
	require.NoError(t, scrape(reg, &text, expfmt.NewFormat(expfmt.TypeTextPlain)))
	require.Contains(t, text.String(), `hostlife_detection_seconds_bucket{registry="hosts",le="+Inf"} 0`)
	promtool(t, &text, "check", "metrics")
}

func TestPromtoolChecksAlerts(t *testing.T) {
	promtool(t, nil, "check", "rules", "alerts.yml")
	promtool(t, nil, "test", "rules", "alerts_test.yml")
}

// Prometheus can parse each expression of the dashboard.
func TestPromtoolChecksDashboard(t *testing.T) {
	var rules []map[string]string
	for _, expr := range readDashboard(t).exprs() {
		rules = append(rules, map[string]string{"record": "x", "expr": expr})
	}
	text, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "x", "rules": rules}}})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "rules.yml")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	promtool(t, nil, "check", "rules", "--lint=none", file)
}

// Prometheus accepts the configuration in README.md.
func TestPromtoolChecksReadme(t *testing.T) {
	example := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(read(t, "README.md"))
	require.NotEmpty(t, example)
	file := filepath.Join(t.TempDir(), "prometheus.yml")
	require.NoError(t, os.WriteFile(file, []byte(example[1]), 0o600))
	promtool(t, nil, "check", "config", file)
}
