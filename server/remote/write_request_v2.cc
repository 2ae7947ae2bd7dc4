// SPDX-License-Identifier: Apache-2.0
// Remote write 2.0: every string stands once in a table of symbols.
#include <bit>
#include <optional>
#include <utility>

#include "server/remote/proto_reader.h"
#include "server/remote/write_request.h"

namespace vigil::remote {
namespace {

constexpr uint32_t kRequestSymbols = 4;
constexpr uint32_t kRequest2Timeseries = 5;
constexpr uint32_t kSeriesLabelsRefs = 1;
constexpr uint32_t kSeries2Samples = 2;
constexpr uint32_t kSeries2Histograms = 3;
constexpr uint32_t kSeries2Exemplars = 4;
constexpr uint32_t kSeries2Metadata = 5;
constexpr uint32_t kExemplarLabelsRefs = 1;
constexpr uint32_t kExemplar2Value = 2;
constexpr uint32_t kExemplar2Timestamp = 3;
// A symbol may be long and used by every series.
constexpr size_t kMaxLabelBytes = 128 << 20;

Error BrokenRequest2(std::string_view where) {
  return BadData("the body is not an io.prometheus.write.v2.Request: broken protobuf in " +
                 std::string(where));
}

void PutVarint(uint64_t value, std::string* out) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}

size_t VarintSize(uint64_t value) {
  size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

void PutField(uint32_t number, std::string_view bytes, std::string* out) {
  PutVarint(number << 3 | 2, out);
  PutVarint(bytes.size(), out);
  out->append(bytes);
}

class Decoder {
 public:
  explicit Decoder(WriteRequest* out) : out_(*out) {}

  Result<void> Decode(std::string_view message) {
    TRY(ReadSymbols(message));
    ProtoReader reader(message);
    while (auto field = reader.Next()) {
      if (field->number == kRequest2Timeseries && field->type == WireType::kLength) {
        TRY(ReadSeries(field->bytes));
      }
    }
    // The arena has its final place now.
    for (size_t i = 0; i < spans_.size(); ++i) out_.series[i].raw_labels = View(spans_[i]);
    for (size_t i = 0; i < exemplar_spans_.size(); ++i) {
      out_.exemplars[i].raw_labels = View(exemplar_spans_[i]);
    }
    return Ok();
  }

 private:
  struct Span {
    size_t begin = 0;
    size_t end = 0;
  };

  [[nodiscard]] std::string_view View(const Span& span) const {
    return std::string_view(out_.arena).substr(span.begin, span.end - span.begin);
  }

  // They may stand behind the series.
  Result<void> ReadSymbols(std::string_view message) {
    ProtoReader reader(message);
    while (auto field = reader.Next()) {
      if (field->number == kRequestSymbols && field->type == WireType::kLength) {
        symbols_.push_back(field->bytes);
      }
    }
    if (!reader.ok()) return BrokenRequest2("the request");
    if (!symbols_.empty() && !symbols_[0].empty()) {
      return BadData("the first symbol of a remote write 2.0 request must be the empty string");
    }
    return Ok();
  }

  static bool ReadRefs(const ProtoField& field, std::vector<uint64_t>* refs) {
    if (field.type == WireType::kVarint) {
      refs->push_back(field.varint);
      return true;
    }
    if (field.type != WireType::kLength) return false;
    std::string_view rest = field.bytes;
    while (!rest.empty()) {
      uint64_t ref = 0;
      if (!TakeVarint(&rest, &ref)) return false;
      refs->push_back(ref);
    }
    return true;
  }

  // Appends the labels to the arena in the form of 1.0.
  Result<Span> Rewrite(const std::vector<uint64_t>& refs) {
    if (refs.size() % 2 != 0) {
      return BadData("invalid labelRefs length " + std::to_string(refs.size()));
    }
    if (out_.arena.size() > kMaxLabelBytes) {
      return BadData("the labels of the request are too large: send smaller batches");
    }
    Span span{out_.arena.size(), 0};
    for (size_t i = 0; i < refs.size(); i += 2) {
      if (refs[i] >= symbols_.size() || refs[i + 1] >= symbols_.size()) {
        return BadData(
            "labelRefs " + std::to_string(refs[i]) + " (name) = " + std::to_string(refs[i + 1]) +
            " (value) outside of symbols table (size " + std::to_string(symbols_.size()) + ")");
      }
      const std::string_view name = symbols_[refs[i]];
      const std::string_view value = symbols_[refs[i + 1]];
      PutVarint(1 << 3 | 2, &out_.arena);
      PutVarint(2 + VarintSize(name.size()) + name.size() + VarintSize(value.size()) + value.size(),
                &out_.arena);
      PutField(1, name, &out_.arena);
      PutField(2, value, &out_.arena);
    }
    span.end = out_.arena.size();
    return span;
  }

  Result<void> ReadSeries(std::string_view message) {
    WriteSeries series;
    series.first_sample = out_.timestamps.size();
    series.first_histogram = out_.histograms.size();
    series.first_exemplar = out_.exemplars.size();
    refs_.clear();
    ProtoReader reader(message);
    while (auto field = reader.Next()) {
      if (field->number == kSeriesLabelsRefs) {
        if (!ReadRefs(*field, &refs_)) return BrokenRequest2("the labels");
      } else if (field->type != WireType::kLength) {
        continue;
      } else if (field->number == kSeries2Samples) {
        if (!DecodeWriteSample(field->bytes, &out_)) return BrokenRequest2("a sample");
      } else if (field->number == kSeries2Histograms) {
        TRY(DecodeWriteHistogram(field->bytes, BrokenRequest2("a histogram"), &out_));
      } else if (field->number == kSeries2Exemplars) {
        TRY(ReadExemplar(field->bytes));
      } else if (field->number == kSeries2Metadata) {
        out_.metadata.push_back({out_.series.size(), field->bytes});
      }
    }
    if (!reader.ok()) return BrokenRequest2("a time series");
    if (refs_.empty()) {
      out_.DropUnlabelled(series);
      exemplar_spans_.resize(series.first_exemplar);
      return Ok();
    }
    spans_.push_back(TRY(Rewrite(refs_)));
    series.sample_count = out_.timestamps.size() - series.first_sample;
    series.histogram_count = out_.histograms.size() - series.first_histogram;
    series.exemplar_count = out_.exemplars.size() - series.first_exemplar;
    out_.series.push_back(series);
    return Ok();
  }

  Result<void> ReadExemplar(std::string_view message) {
    WriteExemplar exemplar;
    std::vector<uint64_t> refs;
    ProtoReader reader(message);
    while (auto field = reader.Next()) {
      if (field->number == kExemplarLabelsRefs) {
        if (!ReadRefs(*field, &refs)) return BrokenRequest2("an exemplar");
      } else if (field->number == kExemplar2Value && field->type == WireType::kFixed64) {
        exemplar.value = std::bit_cast<double>(field->varint);
      } else if (field->number == kExemplar2Timestamp && field->type == WireType::kVarint) {
        exemplar.timestamp = static_cast<TimestampMs>(field->varint);
      }
    }
    if (!reader.ok()) return BrokenRequest2("an exemplar");
    exemplar_spans_.push_back(TRY(Rewrite(refs)));
    out_.exemplars.push_back(exemplar);
    return Ok();
  }

  WriteRequest& out_;
  std::vector<std::string_view>& symbols_ = out_.symbols;
  std::vector<Span> spans_;           // of out_.series
  std::vector<Span> exemplar_spans_;  // of out_.exemplars
  std::vector<uint64_t> refs_;
};

}  // namespace

Result<void> DecodeWriteRequestV2(std::string_view message, WriteRequest* out) {
  out->Clear();
  return Decoder(out).Decode(message);
}

}  // namespace vigil::remote
