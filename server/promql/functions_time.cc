// SPDX-License-Identifier: Apache-2.0
// Time and calendar.
#include <cmath>
#include <limits>

#include "server/promql/call_context.h"
#include "server/promql/functions.h"

namespace vigil::promql {
namespace {

using enum ValueType;

double SecondsOf(TimestampMs timestamp) { return static_cast<double>(timestamp) / 1000; }

Result<Value> Constant(CallContext& call, double value) {
  return Value::Scalar(std::vector<double>(call.grid().count, value));
}

Result<Value> Time(CallContext& call) {
  std::vector<double> column(call.grid().count);
  for (size_t i = 0; i < column.size(); ++i) column[i] = SecondsOf(call.grid().at(i));
  return Value::Scalar(std::move(column));
}

Result<Value> QueryStart(CallContext& call) {
  return Constant(call, SecondsOf(call.query().times.start));
}
Result<Value> QueryEnd(CallContext& call) {
  return Constant(call, SecondsOf(call.query().times.end));
}
Result<Value> QueryStep(CallContext& call) {
  return Constant(call, SecondsOf(call.query().times.step));
}
Result<Value> QueryRange(CallContext& call) {
  return Constant(call, SecondsOf(call.query().times.end - call.query().times.start));
}

Result<Value> TimesOfSelector(CallContext& call, const VectorSelector& selector,
                              SampleColumn column) {
  Vector out;
  out.steps = call.grid().count;
  RowFunction sink([&](const SeriesRow& row) -> Result<void> {
    TRY(call.query().CheckRoom(out.values.size() + row.values.size()));
    out.Append(row.labels, row.drop_name, row.values);
    return Ok();
  });
  TRY(call.evaluator().SelectorRows(selector, column, sink));
  return Value::Of(std::move(out));
}

// Null when the argument is no selector, or one whose samples are made for the evaluation.
const VectorSelector* PlainSelector(const Expr& arg) {
  const Expr& inner = Unwrapped(arg);
  if (inner.kind != NodeKind::kVectorSelector) return nullptr;
  const auto* selector = static_cast<const VectorSelector*>(&inner);
  return selector->smoothed ? nullptr : selector;
}

// Of a plain selector the time of the sample, of anything else the time of the evaluation.
Result<Value> Timestamp(CallContext& call) {
  if (const VectorSelector* selector = PlainSelector(call.arg(0))) {
    return TimesOfSelector(call, *selector, SampleColumn::kTimestamp);
  }
  Value value = TRY(call.Eval(0));
  for (size_t i = 0; i < value.vector.size(); ++i) {
    const std::span<double> row = value.vector.row(i);
    for (size_t step = 0; step < row.size(); ++step) {
      if (value.vector.present(i, step)) row[step] = SecondsOf(call.grid().at(step));
    }
  }
  value.vector.histograms.clear();
  return value;
}

// Of plain selectors only: results of expressions have no start.
Result<Value> StartTimestamp(CallContext& call) {
  const VectorSelector* selector = PlainSelector(call.arg(0));
  if (selector != nullptr && call.query().options.use_start_timestamps) {
    return TimesOfSelector(call, *selector, SampleColumn::kStartTimestamp);
  }
  TRY(call.Eval(0));
  Vector none;
  none.steps = call.grid().count;
  return Value::Of(std::move(none));
}

// A day of the proleptic Gregorian calendar.
struct Date {
  int64_t year;
  int month;        // 1..12
  int day;          // 1..31
  int day_of_year;  // 1..366
  int weekday;      // 0 is Sunday
};

constexpr bool IsLeap(int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

constexpr int DaysInMonth(int64_t year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && IsLeap(year) ? 29 : kDays[month - 1];
}

constexpr int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

Date DateOf(int64_t seconds) {
  const int64_t days = FloorDiv(seconds, 86400);
  // Counted from 2000-03-01, a leap day comes last in its cycle of 400 years.
  const int64_t since = days - 11017;
  const int64_t cycle = FloorDiv(since, 146097);
  int64_t rest = since - cycle * 146097;
  const int64_t century = std::min<int64_t>(rest / 36524, 3);
  rest -= century * 36524;
  const int64_t four = std::min<int64_t>(rest / 1461, 24);
  rest -= four * 1461;
  const int64_t one = std::min<int64_t>(rest / 365, 3);
  rest -= one * 365;
  Date date{};
  date.year = 2000 + cycle * 400 + century * 100 + four * 4 + one;
  constexpr int kFromMarch[] = {31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 29};
  int month = 0;
  while (rest >= kFromMarch[month]) rest -= kFromMarch[month++];
  date.month = month + 3;
  if (date.month > 12) {
    date.month -= 12;
    ++date.year;
  }
  date.day = static_cast<int>(rest) + 1;
  for (int m = 1; m < date.month; ++m) date.day_of_year += DaysInMonth(date.year, m);
  date.day_of_year += date.day;
  date.weekday = static_cast<int>(((days + 4) % 7 + 7) % 7);
  return date;
}

// As Go on amd64: NaN and what does not fit become the smallest number, which its calendar takes
// for 2^63 seconds. That is one more than fits here, and one second does not show in any part.
int64_t ToSeconds(double value) {
  if (!(value > -9.2e18 && value < 9.2e18)) return std::numeric_limits<int64_t>::max();
  return static_cast<int64_t>(value);
}

double Minute(int64_t t) { return static_cast<double>(FloorDiv(t, 60) - FloorDiv(t, 3600) * 60); }
double Hour(int64_t t) { return static_cast<double>(FloorDiv(t, 3600) - FloorDiv(t, 86400) * 24); }
double DayOfWeek(int64_t t) { return DateOf(t).weekday; }
double DayOfMonth(int64_t t) { return DateOf(t).day; }
double DayOfYear(int64_t t) { return DateOf(t).day_of_year; }
double Month(int64_t t) { return DateOf(t).month; }
double Year(int64_t t) { return static_cast<double>(DateOf(t).year); }
double MonthLength(int64_t t) {
  const Date date = DateOf(t);
  return DaysInMonth(date.year, date.month);
}

template <double (*kPart)(int64_t)>
Result<Value> CalendarPart(CallContext& call) {
  if (call.arg_count() == 0) {
    Vector out;
    out.steps = call.grid().count;
    const std::span<double> row = out.AppendEmpty(Labels(), false);
    for (size_t i = 0; i < row.size(); ++i) row[i] = kPart(call.grid().at(i) / 1000);
    return Value::Of(std::move(out));
  }
  Value value = TRY(call.Eval(0));
  for (double& v : value.vector.values) {
    if (!IsStaleNaN(v)) v = kPart(ToSeconds(v));
  }
  value.vector.histograms.clear();
  return value;
}

constexpr FunctionRow CalendarRow(std::string_view name, SpecialFn kernel, std::string_view help) {
  return {.name = name, .args = {kVector}, .optional = 1, .kernel = kernel, .help = help};
}

constexpr FunctionRow QueryTimeRow(std::string_view name, SpecialFn kernel, std::string_view help) {
  return {.name = name, .result = kScalar, .experimental = true, .kernel = kernel, .help = help};
}

constexpr FunctionRow kTimeRows[] = {
    {.name = "time", .result = kScalar, .kernel = Time, .help = "Evaluation time in Unix seconds."},
    {.name = "timestamp",
     .args = {kVector},
     .kernel = Timestamp,
     .help = "Timestamp of each sample in Unix seconds."},
    CalendarRow("minute", CalendarPart<Minute>, "Minute of the hour (UTC)."),
    CalendarRow("hour", CalendarPart<Hour>, "Hour of the day (UTC)."),
    CalendarRow("day_of_week", CalendarPart<DayOfWeek>, "Day of the week, 0 is Sunday (UTC)."),
    CalendarRow("day_of_month", CalendarPart<DayOfMonth>, "Day of the month (UTC)."),
    CalendarRow("day_of_year", CalendarPart<DayOfYear>, "Day of the year (UTC)."),
    CalendarRow("days_in_month", CalendarPart<MonthLength>, "Number of days in the month (UTC)."),
    CalendarRow("month", CalendarPart<Month>, "Month of the year (UTC)."),
    CalendarRow("year", CalendarPart<Year>, "Year (UTC)."),
    QueryTimeRow("start", QueryStart, "Start of the query in Unix seconds."),
    QueryTimeRow("end", QueryEnd, "End of the query in Unix seconds."),
    QueryTimeRow("step", QueryStep, "Step of the query in seconds."),
    QueryTimeRow("range", QueryRange, "End minus start of the query in seconds."),
    {.name = "start_timestamp",
     .args = {kVector},
     .experimental = true,
     .kernel = StartTimestamp,
     .help = "Start timestamp of each sample in Unix seconds."},
};

}  // namespace

std::span<const FunctionRow> TimeFunctions() { return kTimeRows; }

}  // namespace vigil::promql
