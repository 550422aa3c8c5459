package verify_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/history"
)

// A departure may come later if a fault has held it up.
func TestAFaultMovesTheDeadline(t *testing.T) {
	s := sound()
	s.attack(history.Disturbed, 3000, history.Engine)
	s.edit("b", history.Departed, func(e *history.Entry) bool { return e.Host != "dies" })
	s.show(15900, "b", "dies", 1, "evicted", 4016)
	require.Len(t, s.check().Late, 1, "the fault has not ended")
	s.attack(history.Restored, 8000, history.Engine)
	require.Empty(t, s.check().Breaches())
	require.Zero(t, s.check().Stalls)
	require.Equal(t, "7.9s", s.check().Latest.String())
	require.Equal(t, "13.4s", s.check().Longest.String())
}

// So it may if a scheduler did not run for a while, because the machine was busy.
func TestAStallMovesTheDeadline(t *testing.T) {
	s := sound()
	s.edit("b", history.Departed, func(e *history.Entry) bool { return e.Host != "dies" })
	s.show(11900, "b", "dies", 1, "evicted", 4016)
	require.Len(t, s.check().Late, 1)
	s.add("c", history.Entry{Kind: history.Stalled, Began: ms(4000), At: ms(5000)})
	require.Empty(t, s.check().Breaches())
	require.Equal(t, 1, s.check().Stalls)
}

// So it may if the program that attacks did not run: the links between schedulers and the engine are
// in it.
func TestAStallOfTheLinksMovesTheDeadline(t *testing.T) {
	s := sound()
	s.edit("b", history.Departed, func(e *history.Entry) bool { return e.Host != "dies" })
	s.show(11900, "b", "dies", 1, "evicted", 4016)
	s.add("attack", history.Entry{Kind: history.Stalled, Began: ms(4000), At: ms(5000)})
	require.Empty(t, s.check().Breaches())
	require.Equal(t, 1, s.check().Stalls)
}

// So it may if a scheduler starts: it may be the heir of a host, and is quiet for a Lapse.
func TestAStartMovesTheDeadline(t *testing.T) {
	s := sound()
	s.edit("b", history.Departed, func(e *history.Entry) bool { return e.Host != "dies" })
	s.show(11900, "b", "dies", 1, "evicted", 4016)
	s.add("attack", history.Entry{Kind: history.Started, At: ms(4000), Process: "d"})
	s.add("attack", history.Entry{Kind: history.Killed, Began: ms(4100), At: ms(4100), Process: "d"})
	require.Empty(t, s.check().Breaches())
}
