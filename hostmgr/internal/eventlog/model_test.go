package eventlog_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hostlife/hostlife/hostmgr/internal/eventlog"
)

// A model is a Log that is naive: it keeps lines as strings, and says what the next Write must get.
type model struct {
	lines   []string
	records uint64 // in lines
	told    uint64 // records that lines say are lost
	pending uint64 // lost records that no line tells of yet
	begun   bool   // a Write has succeeded
	failed  bool   // the last Write did not
	stats   eventlog.Stats

	reported []uint64
	unsaid   uint64
	sayAt    int64
}

const modelBuffer = 120

func (m *model) record(at int64, id string) {
	if len(strings.Join(m.lines, "")) >= modelBuffer {
		m.pending++
		m.stats.Lost++
		return
	}
	if m.failed && len(m.lines) == 0 {
		m.lines = append(m.lines, "\n")
	}
	m.failed = false
	if m.pending > 0 {
		m.lines = append(m.lines, fmt.Sprintf("lost at=%d records=%d;\n", at, m.pending))
		m.told, m.pending = m.told+m.pending, 0
	}
	m.lines = append(m.lines, fmt.Sprintf("k at=%d id=%+q;\n", at, id))
	m.records++
}

// write takes the lines of a Write, which made a record of the given id (none if it is empty) and
// succeeded or not.
func (m *model) write(now int64, during string, ok bool) (want string) {
	want = strings.Join(m.lines, "")
	if !m.begun {
		want = header + want
	}
	records, told := m.records, m.told
	m.lines, m.records, m.told, m.failed = nil, 0, 0, false
	if during != "" {
		m.record(now, during)
	}
	if ok {
		m.begun = true
		m.stats.Records += records
		return want
	}
	m.stats.Lost += records
	m.stats.Failures++
	m.pending += records + told
	m.failed = true
	if len(m.lines) > 0 {
		m.lines, m.failed = append([]string{"\n"}, m.lines...), false
	}
	m.report(now, records)
	return want
}

func (m *model) report(now int64, records uint64) {
	if m.unsaid += records; now >= m.sayAt {
		m.reported = append(m.reported, m.unsaid)
		m.unsaid, m.sayAt = 0, now+1e9
	}
}

// Random scripts: each Write gets exactly the bytes that the model expects, and all counts agree.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m model
		var out reports
		var l *eventlog.Log
		var fail, during, wrote string
		record := func(id string) {
			r := l.Begin("k", out.now)
			r.Text("id", id)
			r.End()
		}
		c := config(func(b []byte) (int, error) {
			wrote = string(b)
			if during != "" {
				record(during)
			}
			switch fail {
			case "error":
				return 0, errors.New("no")
			case "short":
				return len(b) - 1, nil
			case "panic":
				panic("no")
			}
			return len(b), nil
		}, &out)
		c.Buffer = modelBuffer
		l = eventlog.New(c)
		ids := rapid.SampledFrom([]string{"a", "b", "é", strings.Repeat("long", 9)})
		t.Repeat(map[string]func(*rapid.T){
			"record": func(t *rapid.T) {
				id := ids.Draw(t, "id")
				m.record(out.now, id)
				record(id)
			},
			"wait": func(t *rapid.T) { out.now += rapid.Int64Range(-1e8, 1e9).Draw(t, "ns") },
			"flush": func(t *rapid.T) {
				fail = rapid.SampledFrom([]string{"", "", "error", "short", "panic"}).Draw(t, "fail")
				during = rapid.SampledFrom([]string{"", "during"}).Draw(t, "during")
				wrote = ""
				want := ""
				if m.records > 0 {
					want = m.write(out.now, during, fail == "")
				}
				l.Flush()
				require.Equal(t, want, wrote)
			},
			"": func(t *rapid.T) {
				require.Equal(t, m.stats, l.Stats())
				require.Equal(t, m.reported, out.failed)
			},
		})
	})
}
