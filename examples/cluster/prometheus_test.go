//go:build unix

package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/clitest"
)

const scrape = 500 * time.Millisecond

// A monitor is a Prometheus that scrapes a scheduler.
type monitor struct {
	t   *testing.T
	url string
}

func watchOver(t *testing.T, target string) *monitor {
	t.Helper()
	dir := t.TempDir()
	alerts, err := filepath.Abs("../../contrib/hostprom/alerts.yml")
	require.NoError(t, err)
	config := fmt.Sprintf("global: {scrape_interval: %[1]v, scrape_timeout: %[1]v, evaluation_interval: %[1]v}\nrule_files: ['%[2]s']\n"+
		"scrape_configs: [{job_name: scheduler, static_configs: [{targets: ['%[3]s']}]}]\n", scrape, alerts, target)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o644))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := ln.Addr().String()
	require.NoError(t, ln.Close())
	launch(t, clitest.Needs(t, "prometheus", "prometheus"), "--config.file="+filepath.Join(dir, "prometheus.yml"), "--enable-feature=native-histograms",
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr)
	m := &monitor{t: t, url: "http://" + addr}
	eventually(t, "Prometheus is ready", func() bool {
		r, err := http.Get(m.url + "/-/ready")
		if err != nil {
			return false
		}
		_ = r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
	return m
}

// A sample is a time in seconds and a value as text.
type sample [2]any

func (s sample) at() time.Time { return time.UnixMicro(int64(s[0].(float64) * 1e6)) }

func (s sample) value() float64 {
	v, err := strconv.ParseFloat(s[1].(string), 64)
	if err != nil {
		panic(err)
	}
	return v
}

type series struct {
	Metric map[string]string
	Value  sample
	Values []sample
}

// ask puts a question in PromQL.
func (m *monitor) ask(path, query string, more ...string) []series {
	m.t.Helper()
	form := url.Values{"query": {query}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	r, err := http.PostForm(m.url+"/api/v1/"+path, form)
	require.NoError(m.t, err)
	defer func() { _ = r.Body.Close() }()
	var answer struct {
		Status, Error string
		Data          struct{ Result []series }
	}
	require.NoError(m.t, json.NewDecoder(r.Body).Decode(&answer))
	require.Equal(m.t, "success", answer.Status, "%s: %s", query, answer.Error)
	return answer.Data.Result
}

// value is that of a query which has one answer; -1 if it has none yet.
func (m *monitor) value(query string) float64 {
	m.t.Helper()
	found := m.ask("query", query)
	if len(found) == 0 {
		return -1
	}
	require.Len(m.t, found, 1, query)
	return found[0].Value.value()
}

func (m *monitor) says(want float64, query string) {
	m.t.Helper()
	var got float64
	defer func() {
		if m.t.Failed() {
			m.t.Logf("%s is %v", query, got)
		}
	}()
	eventually(m.t, fmt.Sprintf("%s is %v", query, want), func() bool {
		got = m.value(query)
		return got == want
	})
}

// firstTime is when a query first was so, as scraped; asked in retrospect.
func (m *monitor) firstTime(from time.Time, want float64, query string) time.Time {
	m.t.Helper()
	var at time.Time
	eventually(m.t, fmt.Sprintf("%s was %v", query, want), func() bool {
		for _, found := range m.ask("query_range", query, "start", unix(from), "end", unix(time.Now()), "step", "0.05") {
			for _, s := range found.Values {
				if at.IsZero() && s.value() == want {
					at = s.at()
				}
			}
		}
		return !at.IsZero()
	})
	return at
}

func unix(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMicro())/1e6, 'f', 6, 64) }

// Prometheus answers what operators ask: which hosts departed, and how. Dragonfly's own end-to-end test
// checks that there is one host less within twice the interval; so does this one.
func TestPrometheusKnowsWhichHostsDeparted(t *testing.T) {
	clitest.Needs(t, "prometheus", "prometheus")
	const interval, leavers, mass = 2 * time.Second, 40, 300
	s := launch(t, binary, "scheduler", "-listen", "127.0.0.1:0", "-http", "127.0.0.1:0")
	addr, page := s.says(`listening on (\S+)`), s.says(`page on http://(\S+)/`)
	m := watchOver(t, page)
	peer := func(id string, hosts int) *child {
		return launch(t, binary, "peer", "-scheduler", addr, "-id", id, "-hosts", fmt.Sprint(hosts), "-interval", interval.String(), "-v")
	}
	one, many, polite := peer("one", 1), peer("mass", mass), peer("leaver", leavers)
	m.says(1+mass+leavers, `sum(hostlife_hosts)`)

	killed := time.Now()
	one.signal(syscall.SIGKILL)
	m.says(mass+leavers, `sum(hostlife_hosts)`)
	fell := m.firstTime(killed, mass+leavers, `sum(hostlife_hosts)`)
	t.Logf("one host less %v after it was killed", fell.Sub(killed))
	require.Greater(t, fell.Sub(killed), interval-scrape, "it had announced itself at most an interval before")
	limit := 2*interval + 3*scrape
	if stalls := m.value(`sum(hostlife_stalls_total)`); stalls > 0 { // this machine was too busy: each puts it off
		excused := m.value(`sum(hostlife_stall_seconds_total)`)
		limit += time.Duration(excused*float64(time.Second)) + interval + 500*time.Millisecond
		t.Logf("%v stalls, %v s excused", stalls, excused)
	}
	require.Less(t, fell.Sub(killed), limit, "twice the interval, and a scrape or two")

	many.signal(syscall.SIGKILL)
	polite.signal(syscall.SIGTERM)
	m.says(0, `sum(hostlife_hosts) or vector(0)`)
	m.says(1+mass, `sum(hostlife_departures_all_zones_total{kind="evicted"})`)
	byKind := map[string]float64{}
	for _, s := range m.ask("query", `sum by (kind) (hostlife_departures_all_zones_total)`) {
		byKind[s.Metric["kind"]] = s.Value.value()
	}
	require.Equal(t, map[string]float64{"left": leavers, "evicted": 1 + mass, "replaced": 0, "forgotten": 0}, byKind)
	m.says(1+mass, `sum(hostlife_departures_total{kind="evicted"})`)
	m.says(1, `count(ALERTS{alertname="HostlifeMassEviction",alertstate="firing",registry="hosts"})`)
	m.says(1+mass, `histogram_count(sum(hostlife_detection_seconds))`)
	median := m.value(`histogram_quantile(0.5, sum(hostlife_detection_seconds))`)
	require.InDelta(t, 2*interval.Seconds(), median, 1)
	m.says(leavers, `histogram_count(sum(hostlife_cleanup_seconds{kind="left"}))`)
}

// The same endpoint serves clients that do not know native histograms.
func TestMetricsAreText(t *testing.T) {
	s := launch(t, binary, "scheduler", "-listen", "127.0.0.1:0", "-http", "127.0.0.1:0")
	url := s.says(`page on (\S+)`)
	get := func(path string) string {
		r, err := http.Get(url + path)
		require.NoError(t, err)
		defer func() { _ = r.Body.Close() }()
		require.Equal(t, http.StatusOK, r.StatusCode)
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		return string(body)
	}
	require.Contains(t, get("metrics"), "hostlife_detection_seconds_bucket")
	require.Equal(t, "ok", strings.TrimSpace(get("healthz")))
}
