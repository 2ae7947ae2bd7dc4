// SPDX-License-Identifier: Apache-2.0
// Values by verbs, and the loop over a format.
#include "server/template/format.h"

#include <utility>

#include "server/template/format_flags.h"
#include "server/template/rune.h"

namespace vigil::tmpl {
namespace {

constexpr size_t kMaxFormatNumber = 1'000'000;  // widths and precisions beyond are no numbers
constexpr size_t kShownBytes = 200;

bool IsTextVerb(char32_t verb) {
  return verb == 'v' || verb == 's' || verb == 'x' || verb == 'X' || verb == 'q';
}

// Threads: owner thread only.
class ValuePrinter {
 public:
  explicit ValuePrinter(size_t max_bytes) : max_bytes_(max_bytes) {}

  void Printf(std::string_view format, Args args);
  void Print(const Value& value, char32_t verb, size_t depth = 0);
  [[nodiscard]] bool Full() const { return out_.size() > max_bytes_; }
  [[nodiscard]] std::string& out() { return out_; }
  Result<std::string> Take() {
    if (Full()) {
      return ExecutionError("a text is longer than " + std::to_string(max_bytes_) +
                            " bytes; shorten it");
    }
    return std::move(out_);
  }

 private:
  void Directive(std::string_view* format, Args args);
  void ReadFlags(std::string_view* format);
  void ReadIndex(std::string_view* format, size_t count);
  void ReadWidth(std::string_view* format, Args args);
  void ReadPrecision(std::string_view* format, Args args);
  bool TakeStar(Args args, int64_t* number);
  void PrintVerb(char32_t verb, Args args);
  void PrintExtra(Args args);

  void BadVerb(const Value& value, char32_t verb);
  void PrintText(std::string_view text, const Value& value, char32_t verb);
  void PrintInteger(const Value& value, char32_t verb);
  void PrintList(const Value& value, char32_t verb, size_t depth);
  void PrintMap(const Value& value, char32_t verb, size_t depth);
  void PrintStruct(const Value& value, char32_t verb, size_t depth);

  const size_t max_bytes_;
  std::string out_;
  FormatFlags flags_;
  bool erroring_ = false;  // inside %!d(...): no String methods
  // State of Printf
  size_t next_ = 0;
  bool reordered_ = false;
  bool good_index_ = true;
  bool after_index_ = false;
};

void ValuePrinter::BadVerb(const Value& value, char32_t verb) {
  const bool outer = std::exchange(erroring_, true);
  out_ += "%!";
  AppendRune(verb, &out_);
  out_ += '(';
  if (value.IsNil()) {
    out_ += "<nil>";
  } else {
    out_ += value.TypeName() + "=";
    Print(value, 'v');
  }
  out_ += ')';
  erroring_ = outer;
}

void ValuePrinter::PrintText(std::string_view text, const Value& value, char32_t verb) {
  switch (verb) {
    case 'v':
      if (flags_.sharp_v) {
        FormatQuoted(flags_, text, &out_);
        break;
      }
      [[fallthrough]];
    case 's':
      FormatText(flags_, text, &out_);
      break;
    case 'x':
    case 'X':
      FormatHexBytes(flags_, text, verb == 'X', &out_);
      break;
    case 'q':
      FormatQuoted(flags_, text, &out_);
      break;
    default:
      BadVerb(value, verb);
      break;
  }
}

void ValuePrinter::PrintInteger(const Value& value, char32_t verb) {
  const bool is_signed = value.kind() == Kind::kInt;
  const uint64_t bits = is_signed ? static_cast<uint64_t>(value.int_value()) : value.uint_value();
  const auto integer = [&](unsigned base) {
    FormatInteger(flags_, bits, is_signed, base, static_cast<char>(verb), &out_);
  };
  switch (verb) {
    case 'v':
      if (flags_.sharp_v && !is_signed) {
        const bool sharp = std::exchange(flags_.sharp, true);
        integer(16);
        flags_.sharp = sharp;
        break;
      }
      [[fallthrough]];
    case 'd':
      integer(10);
      break;
    case 'b':
      integer(2);
      break;
    case 'o':
    case 'O':
      integer(8);
      break;
    case 'x':
    case 'X':
      integer(16);
      break;
    case 'c':
      FormatRune(flags_, bits, &out_);
      break;
    case 'q':
      FormatQuotedRune(flags_, bits, &out_);
      break;
    case 'U':
      FormatUnicode(flags_, bits, &out_);
      break;
    default:
      BadVerb(value, verb);
      break;
  }
}

void ValuePrinter::PrintList(const Value& value, char32_t verb, size_t depth) {
  if (flags_.sharp_v) out_ += value.TypeName();
  out_ += flags_.sharp_v ? '{' : '[';
  bool first = true;
  for (const Value& item : value.Base().list().items) {
    if (Full()) return;
    if (!std::exchange(first, false)) out_ += flags_.sharp_v ? ", " : " ";
    Print(item, verb, depth + 1);
  }
  out_ += flags_.sharp_v ? '}' : ']';
}

void ValuePrinter::PrintMap(const Value& value, char32_t verb, size_t depth) {
  out_ += flags_.sharp_v ? value.TypeName() + "{" : "map[";
  bool first = true;
  for (const auto& [key, item] : value.Base().map().entries) {
    if (Full()) return;
    if (!std::exchange(first, false)) out_ += flags_.sharp_v ? ", " : " ";
    Print(Value::String(key), verb, depth + 1);
    out_ += ':';
    Print(item, verb, depth + 1);
  }
  out_ += flags_.sharp_v ? '}' : ']';
}

void ValuePrinter::PrintStruct(const Value& value, char32_t verb, size_t depth) {
  const Object& object = value.object();
  if (flags_.sharp_v) out_ += object.TypeName();
  out_ += '{';
  const std::span<const std::string_view> names = object.FieldNames();
  for (size_t i = 0; i < names.size() && !Full(); ++i) {
    if (i > 0) out_ += flags_.sharp_v ? ", " : " ";
    if (flags_.plus_v || flags_.sharp_v) out_.append(names[i]).append(":");
    Print(object.Field(i), verb, depth + 1);
  }
  out_ += '}';
}

void ValuePrinter::Print(const Value& value, char32_t verb, size_t depth) {
  if (Full()) return;
  if (value.IsNil()) {
    if (verb != 'T' && verb != 'v') return BadVerb(value, verb);
    if (flags_.sharp_v && depth > 0) {
      out_ += "interface {}(nil)";
    } else {
      PadText(flags_, "<nil>", &out_);
    }
    return;
  }
  if (verb == 'T' && depth == 0) return FormatText(flags_, value.TypeName(), &out_);
  if (!erroring_ && !flags_.sharp_v && IsTextVerb(verb)) {
    if (const std::optional<std::string> text = StringerText(value)) {
      return PrintText(*text, value, verb);
    }
  }
  switch (value.Base().kind()) {
    case Kind::kBool:
      if (verb != 't' && verb != 'v') return BadVerb(value, verb);
      return PadText(flags_, value.bool_value() ? "true" : "false", &out_);
    case Kind::kInt:
    case Kind::kUint:
      return PrintInteger(value, verb);
    case Kind::kFloat:
      if (verb > 0x7f ||
          std::string_view("veEfFgGxX").find(static_cast<char>(verb)) == std::string_view::npos) {
        return BadVerb(value, verb);
      }
      return FormatFloat(flags_, value.float_value(), static_cast<char>(verb), &out_);
    case Kind::kString:
      return PrintText(value.string_value(), value, verb);
    case Kind::kList:
      return PrintList(value, verb, depth);
    case Kind::kMap:
      return PrintMap(value, verb, depth);
    case Kind::kObject:
      return PrintStruct(value, verb, depth);
    case Kind::kTime:
      return PadText(flags_, TimeText(value.time_value()), &out_);
    case Kind::kFunction:
    case Kind::kNil:
      return PadText(flags_, value.TypeName(), &out_);
  }
}

// Digits at the front. False when there are none, or too many.
bool TakeFormatNumber(std::string_view* format, size_t* number) {
  size_t digits = 0;
  *number = 0;
  while (digits < format->size() && (*format)[digits] >= '0' && (*format)[digits] <= '9') {
    *number = *number * 10 + static_cast<size_t>((*format)[digits++] - '0');
    if (*number > kMaxFormatNumber) {
      *format = {};
      *number = 0;
      return false;
    }
  }
  format->remove_prefix(digits);
  return digits > 0;
}

void ValuePrinter::ReadFlags(std::string_view* format) {
  for (; !format->empty(); format->remove_prefix(1)) {
    switch ((*format)[0]) {
      case '#':
        flags_.sharp = true;
        break;
      case '0':
        flags_.zero = !flags_.minus;
        break;
      case '+':
        flags_.plus = true;
        break;
      case '-':
        flags_.minus = true;
        flags_.zero = false;
        break;
      case ' ':
        flags_.space = true;
        break;
      default:
        return;
    }
  }
}

// [3]
void ValuePrinter::ReadIndex(std::string_view* format, size_t count) {
  if (format->empty() || (*format)[0] != '[') {
    after_index_ = false;
    return;
  }
  reordered_ = true;
  const size_t end = format->find(']');
  size_t index = 0;
  std::string_view inside =
      end == std::string_view::npos ? std::string_view() : format->substr(1, end - 1);
  const bool number = TakeFormatNumber(&inside, &index) && inside.empty();
  format->remove_prefix(end == std::string_view::npos ? 1 : end + 1);
  after_index_ = number;
  if (number && index >= 1 && index <= count) {
    next_ = index - 1;
  } else {
    good_index_ = false;
  }
}

// The argument of a *.
bool ValuePrinter::TakeStar(Args args, int64_t* number) {
  *number = 0;
  if (next_ >= args.size()) return false;
  const Value& value = args[next_++];
  constexpr auto kMost = static_cast<int64_t>(kMaxFormatNumber);
  if (value.kind() == Kind::kInt) {
    *number = value.int_value();
  } else if (value.kind() == Kind::kUint && value.uint_value() <= kMaxFormatNumber) {
    *number = static_cast<int64_t>(value.uint_value());
  } else {
    return false;
  }
  if (*number <= kMost && *number >= -kMost) return true;
  *number = 0;
  return false;
}

void ValuePrinter::ReadWidth(std::string_view* format, Args args) {
  if (!format->starts_with('*')) {
    flags_.has_width = TakeFormatNumber(format, &flags_.width);
    if (after_index_ && flags_.has_width) good_index_ = false;  // %[3]2d
    return;
  }
  format->remove_prefix(1);
  int64_t width = 0;
  flags_.has_width = TakeStar(args, &width);
  if (!flags_.has_width) out_ += "%!(BADWIDTH)";
  if (width < 0) {
    width = -width;
    flags_.minus = true;
    flags_.zero = false;
  }
  flags_.width = static_cast<size_t>(width);
  after_index_ = false;
}

void ValuePrinter::ReadPrecision(std::string_view* format, Args args) {
  if (!format->starts_with('.')) return;
  format->remove_prefix(1);
  if (after_index_) good_index_ = false;  // %[3].2d
  ReadIndex(format, args.size());
  if (!format->starts_with('*')) {
    TakeFormatNumber(format, &flags_.precision);
    flags_.has_precision = true;
    return;
  }
  format->remove_prefix(1);
  int64_t precision = 0;
  flags_.has_precision = TakeStar(args, &precision) && precision >= 0;
  if (!flags_.has_precision) out_ += "%!(BADPREC)";
  flags_.precision = static_cast<size_t>(flags_.has_precision ? precision : 0);
  after_index_ = false;
}

void ValuePrinter::PrintVerb(char32_t verb, Args args) {
  if (verb == '%') {
    out_ += '%';
    return;
  }
  if (!good_index_ || next_ >= args.size()) {
    out_ += "%!";
    AppendRune(verb, &out_);
    out_ += good_index_ ? "(MISSING)" : "(BADINDEX)";
    return;
  }
  if (verb == 'v') {
    flags_.sharp_v = std::exchange(flags_.sharp, false);
    flags_.plus_v = std::exchange(flags_.plus, false);
  }
  Print(args[next_++], verb);
}

// What stands behind a %.
void ValuePrinter::Directive(std::string_view* format, Args args) {
  flags_ = {};
  good_index_ = true;
  after_index_ = false;
  ReadFlags(format);
  ReadIndex(format, args.size());
  ReadWidth(format, args);
  ReadPrecision(format, args);
  if (!after_index_) ReadIndex(format, args.size());
  if (format->empty()) {
    out_ += "%!(NOVERB)";
    return;
  }
  const Rune verb = DecodeRune(*format);
  format->remove_prefix(verb.size);
  PrintVerb(verb.code, args);
}

void ValuePrinter::PrintExtra(Args args) {
  flags_ = {};
  out_ += "%!(EXTRA ";
  for (size_t i = next_; i < args.size(); ++i) {
    if (i > next_) out_ += ", ";
    if (args[i].IsNil()) {
      out_ += "<nil>";
    } else {
      out_ += args[i].TypeName() + "=";
      Print(args[i], 'v');
    }
  }
  out_ += ')';
}

void ValuePrinter::Printf(std::string_view format, Args args) {
  while (!format.empty() && !Full()) {
    const size_t percent = std::min(format.find('%'), format.size());
    out_.append(format.substr(0, percent));
    format.remove_prefix(percent);
    if (format.empty()) break;
    format.remove_prefix(1);
    Directive(&format, args);
  }
  if (!reordered_ && next_ < args.size()) PrintExtra(args);
}

}  // namespace

std::optional<std::string> StringerText(const Value& value) {
  switch (value.type()) {
    case Type::kTime:
      return TimeText(value.time_value());
    case Type::kDuration:
      return DurationText(value.int_value());
    case Type::kMonth:
    case Type::kWeekday: {
      const bool month = value.type() == Type::kMonth;
      const auto number = static_cast<int>(value.int_value());
      const std::string_view name = month ? MonthName(number) : WeekdayName(number);
      if (!name.empty()) return std::string(name);
      return std::string(month ? "%!Month(" : "%!Weekday(") + std::to_string(number) + ")";
    }
    case Type::kObject:
      return value.object().Text();
    default:
      return std::nullopt;
  }
}

Result<std::string> Sprintf(std::string_view format, Args args, size_t max_bytes) {
  ValuePrinter printer(max_bytes);
  printer.Printf(format, args);
  return printer.Take();
}

Result<std::string> Sprint(Args args, size_t max_bytes) {
  ValuePrinter printer(max_bytes);
  bool was_text = false;
  for (size_t i = 0; i < args.size(); ++i) {
    const bool is_text = args[i].kind() == Kind::kString;
    if (i > 0 && !is_text && !was_text) printer.out() += ' ';
    printer.Print(args[i], 'v');
    was_text = is_text;
  }
  return printer.Take();
}

Result<std::string> Sprintln(Args args, size_t max_bytes) {
  ValuePrinter printer(max_bytes);
  for (size_t i = 0; i < args.size(); ++i) {
    if (i > 0) printer.out() += ' ';
    printer.Print(args[i], 'v');
  }
  printer.out() += '\n';
  return printer.Take();
}

std::string ShowValue(const Value& value) {
  ValuePrinter printer(kShownBytes);
  printer.Print(value, 'v');
  std::string text = std::move(printer.out());
  if (text.size() > kShownBytes) {
    text.resize(kShownBytes);
    text += "...";
  }
  return text;
}

}  // namespace vigil::tmpl
