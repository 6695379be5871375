SELECT
  *
FROM (
  SELECT
    "t5"."period",
    "t5"."channel",
    SUM(CASE WHEN "t5"."kind" = 'human' THEN 1 ELSE 0 END) AS "visitors",
    SUM(
      CASE WHEN CASE WHEN "t5"."kind" = 'human' THEN 1 ELSE 0 END <> 0 THEN 1 ELSE 0 END
    ) AS "visitors__rows",
    SUM(CASE WHEN "t5"."kind" = 'bot' THEN 1 ELSE 0 END) AS "bots",
    SUM(CASE WHEN CASE WHEN "t5"."kind" = 'bot' THEN 1 ELSE 0 END <> 0 THEN 1 ELSE 0 END) AS "bots__rows",
    SUM(CASE WHEN "t5"."kind" = 'internal' THEN 1 ELSE 0 END) AS "internal",
    SUM(
      CASE
        WHEN CASE WHEN "t5"."kind" = 'internal' THEN 1 ELSE 0 END <> 0
        THEN 1
        ELSE 0
      END
    ) AS "internal__rows",
    COUNT(*) * 0 AS "left_out"
  FROM (
    SELECT
      "t4"."kind",
      "t4"."visitor",
      "t4"."grain",
      "t4"."period_day",
      "t4"."first_at",
      "t4"."started_at",
      "t4"."channel",
      "t4"."rule",
      "t4"."campaign",
      "t4"."country",
      "t4"."device",
      "t2"."period"
    FROM (
      SELECT
        *
      FROM "visitor_periods" AS "t0"
    ) AS "t4"
    INNER JOIN "spans" AS "t2"
      ON "t4"."grain" = "t2"."grain" AND "t4"."period_day" = "t2"."period_day"
  ) AS "t5"
  GROUP BY
    1,
    2
) AS "t6";
