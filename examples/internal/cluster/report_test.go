package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/cluster"
)

type doing = func(end context.CancelCauseFunc) (problems []string)

func passes(context.CancelCauseFunc) []string { return nil }

func fails(context.CancelCauseFunc) []string { return []string{"h is still listed", "one\n\ttwo"} }

func interrupted(end context.CancelCauseFunc) []string {
	end(nil)
	return []string{"of no account"}
}

func breaks(end context.CancelCauseFunc) []string {
	end(errors.New("the scheduler exited"))
	return nil
}

// reported returns the rows of the table without figures, what is in the JSON object, and the error.
func reported(shared bool, scenarios ...doing) (rows []string, object string, err error) {
	var out bytes.Buffer
	err = cluster.Report(&out, shared, scenarios...)
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, "{") {
			object = line
		} else if regexp.MustCompile(`^s\d`).MatchString(line) {
			line = regexp.MustCompile(`( -| 0)+ `).ReplaceAllString(strings.Join(strings.Fields(line), " "), " ")
			rows = append(rows, line)
		}
	}
	return rows, object, err
}

// Each row has a verdict, and the reason unless that is ok.
func TestRows(t *testing.T) {
	for name, c := range map[string]struct {
		scenarios   []doing
		rows        []string
		err         string
		interrupted bool
	}{
		"all pass": {[]doing{passes, passes}, []string{"s1 ok well", "s2 ok well"}, "", false},
		"one fails": {
			[]doing{fails, passes},
			[]string{"s1 FAILED h is still listed; one two", "s2 ok well"}, "some scenarios failed", false,
		},
		"a signal": {
			[]doing{passes, fails, interrupted, passes},
			[]string{"s1 ok well", "s2 FAILED h is still listed; one two", "s3 not played cut short: ended by a signal", "s4 not played ended by a signal"},
			"2 of 4 scenarios were not played: ended by a signal", true,
		},
		"the run breaks": {
			[]doing{passes, breaks, passes},
			[]string{"s1 ok well", "s2 FAILED cut short: the scheduler exited", "s3 not played the scheduler exited"},
			"1 of 3 scenarios were not played: the scheduler exited", false,
		},
		"the run breaks at last": {
			[]doing{passes, breaks},
			[]string{"s1 ok well", "s2 FAILED cut short: the scheduler exited"}, "some scenarios failed", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, shared := range []bool{false, true} {
				rows, object, err := reported(shared, c.scenarios...)
				require.Equal(t, c.rows, rows)
				require.Equal(t, strings.Count(strings.Join(rows, "\n"), "not played"), strings.Count(object, `"not_played":true`))
				require.Equal(t, c.interrupted, errors.Is(err, cli.ErrInterrupted))
				if c.err == "" {
					require.NoError(t, err)
				} else {
					require.EqualError(t, err, c.err)
				}
			}
		})
	}
}

// The first line says what takes long.
func TestPlan(t *testing.T) {
	for args, want := range map[string]string{
		"":                             "it plays normal_exit,abnormal_exit,jitter,scheduler_frozen,mass_exit with 5 peers",
		"-scenarios churn,normal_exit": "it plays normal_exit,churn with 5 peers",
		"-serve":                       "it serves with 5 peers",
		"-scenarios jitter -schedulers 3": "it plays jitter with 5 peers and 3 schedulers. " +
			"First it compiles the scheduler and the etcd server: minutes the first time, seconds later",
		"-scenarios jitter -schedulers 2 -redis start": "it plays jitter with 5 peers and 2 schedulers. " +
			"First it compiles the scheduler: minutes the first time, seconds later",
	} {
		plan, err := cluster.Plan(strings.Fields(args)...)
		require.NoError(t, err)
		require.Equal(t, want, plan)
	}
}
