package evictlimit

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// zoneModel knows where each host is counted.
type zoneModel struct {
	zones map[string]int
	hosts []zoneHost
}

type zoneHost struct {
	number uint8
	name   string // where it is counted
}

// counted is where one more host of this name is counted.
func (m *zoneModel) counted(name string) string {
	others := len(m.zones)
	if m.zones[OtherZone] > 0 {
		others--
	}
	if m.zones[name] > 0 || others < maxZones {
		return name
	}
	return OtherZone
}

func (m *zoneModel) count(name string, more int) {
	if m.zones[name] += more; m.zones[name] == 0 {
		delete(m.zones, name)
	}
}

// Hosts enter, leave and move among more zones than there may be.
func TestZonesAgainstAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, m := New(Config{}), &zoneModel{zones: map[string]int{}}
		names := rapid.SampledFrom(append(numbers(70), "other", ""))
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			name := names.Draw(t, "name")
			i := -1
			if n := len(m.hosts); n > 0 {
				i = rapid.IntRange(-n, n-1).Draw(t, "host")
			}
			switch {
			case i < 0:
				h := zoneHost{l.Enter(name), m.counted(name)}
				m.count(h.name, 1)
				m.hosts = append(m.hosts, h)
			case name == "other":
				l.Leave(m.hosts[i].number)
				m.count(m.hosts[i].name, -1)
				m.hosts = append(m.hosts[:i], m.hosts[i+1:]...)
			default:
				h := &m.hosts[i]
				to := m.counted(name)
				if to != h.name && name != h.name {
					m.count(h.name, -1)
					to = m.counted(name)
					m.count(to, 1)
				} else {
					to = h.name
				}
				*h = zoneHost{l.Move(h.number, name), to}
			}
			check(t, l, m)
		}
	})
}

func check(t *rapid.T, l *Limiter, m *zoneModel) {
	got := map[string]int{}
	for z := range l.Zones(0) {
		require.NotContains(t, got, z.Name)
		got[z.Name] = z.Hosts
	}
	require.Equal(t, m.zones, got)
	require.Equal(t, len(m.hosts), l.Hosts())
	require.LessOrEqual(t, len(l.zones), maxZones+1)
	for _, h := range m.hosts {
		require.Equal(t, h.name, l.Name(h.number))
	}
}

func numbers(n int) (list []string) {
	for i := range n {
		list = append(list, strconv.Itoa(i))
	}
	return list
}

// A host moves out of "other" into a zone of its own when there is room, also if it makes that
// itself.
func TestAHostLeavesOtherWhenThereIsRoom(t *testing.T) {
	l := New(Config{})
	var hosts []uint8
	for _, name := range numbers(64) {
		hosts = append(hosts, l.Enter(name))
	}
	a := l.Enter("its own")
	require.Equal(t, "other", l.Name(a))
	hosts[0] = l.Move(hosts[0], "1")
	a = l.Move(a, "its own")
	require.Equal(t, "its own", l.Name(a))
	require.Equal(t, "other", l.Name(l.Move(hosts[1], "new")), "another host is left in its zone")
	require.Equal(t, "new", l.Name(l.Move(hosts[2], "new")))
}

func TestFiguresOfZones(t *testing.T) {
	l := New(Config{})
	a, b := l.Enter("a"), l.Enter("b")
	require.NotEqual(t, a, b)
	l.Enter("a")
	l.Suspect(a, 2)
	l.Suspect(b, 1)
	l.Held(b, 1)
	require.Equal(t, Counts{Hosts: 3, Suspects: 3, Held: 1}, l.All())
	var zones []Counts
	for z := range l.Zones(0) {
		zones = append(zones, z)
	}
	require.ElementsMatch(t, []Counts{{Name: "a", Hosts: 2, Suspects: 2}, {Name: "b", Hosts: 1, Suspects: 1, Held: 1}}, zones)
	for range l.Zones(0) {
		break
	}
	l.Suspect(b, -1)
	l.Held(b, -1)
	l.Leave(b)
	require.Equal(t, Counts{Hosts: 2, Suspects: 2}, l.All())
}
