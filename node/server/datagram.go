package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"

	"ordeal/node/paxos"
)

// DatagramMax bounds a datagram's payload, in bytes.
const DatagramMax = 1400

// A datagram is
//
//	magic and version (4 bytes) · cluster tag (8) · CRC32C (4) · message
//
// The checksum covers everything but itself. UDP's own is only 16 bits wide, and optional.
const (
	datagramMagic = "Ord\x01"
	tagBytes      = 8
	checksumAt    = len(datagramMagic) + tagBytes
	messageAt     = checksumAt + 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A clusterTag tells the datagrams of one cluster from those of others: two runs, or two lives of
// an address, must not hear each other. It is no protection against malice.
type clusterTag [tagBytes]byte

func tagOf(cluster string) clusterTag {
	sum := sha256.Sum256([]byte(cluster))
	return clusterTag(sum[:tagBytes])
}

// A dropReason says why a datagram was not delivered; it is the label that it is counted under.
type dropReason string

// The reasons why a datagram is dropped on arrival.
const (
	dropTooLong   dropReason = "too long"
	dropMagic     dropReason = "magic or version"
	dropCluster   dropReason = "other cluster"
	dropChecksum  dropReason = "checksum"
	dropMalformed dropReason = "malformed"
	dropSender    dropReason = "unknown sender"
	dropReceiver  dropReason = "other receiver"
	dropBusy      dropReason = "busy"
	dropSocket    dropReason = "socket error"
)

func (r dropReason) Error() string { return "datagram dropped: " + string(r) }

// Every message fits: this does not compile otherwise.
const _ = uint(DatagramMax - messageAt - paxos.MessageMax)

// appendDatagram appends the datagram that carries m to buffer.
func appendDatagram(buffer []byte, tag clusterTag, m paxos.Message) []byte {
	start := len(buffer)
	buffer = append(buffer, datagramMagic...)
	buffer = append(buffer, tag[:]...)
	buffer = append(buffer, 0, 0, 0, 0)
	buffer = paxos.AppendMessage(buffer, m)
	datagram := buffer[start:]
	binary.LittleEndian.PutUint32(datagram[checksumAt:], datagramSum(datagram))
	return buffer
}

// decodeDatagram is the reverse of appendDatagram. Its errors are dropReasons. The message keeps no
// reference to data.
func decodeDatagram(data []byte, tag clusterTag) (paxos.Message, error) {
	switch {
	case len(data) > DatagramMax:
		return paxos.Message{}, dropTooLong
	case len(data) < messageAt || !bytes.HasPrefix(data, []byte(datagramMagic)):
		return paxos.Message{}, dropMagic
	case binary.LittleEndian.Uint32(data[checksumAt:]) != datagramSum(data):
		return paxos.Message{}, dropChecksum
	case !bytes.Equal(data[len(datagramMagic):checksumAt], tag[:]):
		return paxos.Message{}, dropCluster
	}
	m, err := paxos.DecodeMessage(data[messageAt:])
	if err != nil {
		return paxos.Message{}, dropMalformed
	}
	return m, nil
}

func datagramSum(datagram []byte) uint32 {
	sum := crc32.Checksum(datagram[:checksumAt], castagnoli)
	return crc32.Update(sum, castagnoli, datagram[messageAt:])
}
