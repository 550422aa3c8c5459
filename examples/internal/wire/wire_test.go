package wire_test

import (
	"testing"
	"time"

	"github.com/hostlife/hostlife/examples/internal/wire"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/metadata"
)

func TestLeaseThereAndBack(t *testing.T) {
	for _, l := range []wire.Ack{
		{Incarnation: 1<<64 - 1, Registration: "7-x", Interval: 1500 * time.Millisecond},
		{Incarnation: 1, Interval: time.Minute},
		{Incarnation: 9}, // of a refusal
	} {
		require.Equal(t, l, wire.ReadAck(l.Metadata()))
	}
}

func TestLeaseOfASchedulerThatSaysNothing(t *testing.T) {
	require.Zero(t, wire.ReadAck(nil))
	require.Zero(t, wire.ReadAck(metadata.Pairs(wire.IntervalKey, "soon")))
	require.Zero(t, wire.ReadAck(metadata.Pairs(wire.IntervalKey, "-1s")))
}

func TestIncarnation(t *testing.T) {
	n, err := wire.Incarnation(nil)
	require.NoError(t, err)
	require.Zero(t, n)
	for _, bad := range []string{"-1", "", "18446744073709551616"} {
		_, err = wire.Incarnation(metadata.Pairs(wire.IncarnationKey, bad))
		require.EqualError(t, err, "not a decimal number from 0 to 2^64-1")
	}
	_, err = wire.Incarnation(metadata.Pairs(wire.IncarnationKey, "1", wire.IncarnationKey, "2"))
	require.Error(t, err)
}
