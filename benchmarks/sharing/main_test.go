package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/hostlife/hostlife/benchmarks/internal/members"
	"github.com/hostlife/hostlife/benchmarks/internal/sharing"
	"github.com/hostlife/hostlife/internal/effort"
)

func TestMain(m *testing.M) {
	members.Main()
	os.Exit(m.Run())
}

// needs skips a test whose program is not installed. CI has all of them.
func needs(t *testing.T, program, pkg string) {
	t.Helper()
	_, err := exec.LookPath(program)
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing, which CI has: apt-get install %s", program, pkg)
	}
	if err != nil {
		t.Skipf("%s is missing; to run this test: apt-get install %s", program, pkg)
	}
}

type result struct {
	Options sharing.Options
	Rows    []sharing.Row
}

// program runs all of it, and reads the last line as a program would.
func program(t *testing.T, args string) (r result) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if err := run(context.Background(), strings.Fields(args), &stdout, &stderr); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	t.Logf("\n%s", &stdout)
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// checkExact fails for each row that must hold at any size, on any machine.
func checkExact(t *testing.T, r result, want ...string) {
	t.Helper()
	measured := map[string]bool{}
	for i := range r.Rows {
		row := &r.Rows[i]
		measured[row.Measure] = true
		if row.Limit != nil && *row.Limit == 0 && !row.OK {
			t.Errorf("%s, %s: %s: %v", row.Engine, row.Measure, row.About, row.Value)
		}
	}
	for _, name := range want {
		if !measured[name] {
			t.Errorf("no row of %s", name)
		}
	}
}

// A small run of the measures that take seconds.
func TestProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	needs(t, "redis-server", "redis-server")
	names := "join,steady,changes,snapshot,publish"
	r := program(t, "-json -engine redis -n 600 -many 2000 -interval 1s -lapse 4s -for 1s -measure "+names)
	if r.Options.Hosts != 600 {
		t.Errorf("%d hosts", r.Options.Hosts)
	}
	checkExact(t, r, strings.Split(names, ",")...)
}

// A small run of all measures on all engines takes two minutes.
func TestAllMeasures(t *testing.T) {
	if !effort.Long() {
		t.Skip("takes two minutes; HOSTLIFE_LONG=1 runs it")
	}
	needs(t, "redis-server", "redis-server")
	needs(t, "etcd", "etcd-server")
	checkExact(t, program(t, "-json -n 2000 -many 20000 -interval 2s -lapse 4s -for 2s"), sharing.Names()...)
}

func TestUnknownNames(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"-measure beat_1", "there are heartbeat, alone"},
		{"-engine zookeeper", "there are redis, etcd"},
		{"-members 0", "not 1 to 50"},
		{"-n 10", "fewer than 300"},
		{"-interval 1ms", "at least 1 s"},
		{"something", "don't know"},
	} {
		err := run(context.Background(), strings.Fields(c.args), &bytes.Buffer{}, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.args, err)
		}
	}
}
